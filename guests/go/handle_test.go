package hks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"
)

type outcome struct {
	code    int
	value   string
	logs    string
	failure failureReport
}

// try runs a handler as the host does, and takes the failure out of the logs as it does.
func try[T, U any](t *testing.T, event, context string, handler func(Context, T) (U, error)) outcome {
	t.Helper()
	var out, log strings.Builder
	code := run(streams{in: strings.NewReader(event), out: &out, log: &log}, context, handler)
	found := outcome{code: code, value: out.String(), logs: log.String()}
	if before, line, ok := strings.Cut(found.logs, failureMarker); ok {
		found.logs = before
		if err := json.Unmarshal([]byte(line), &found.failure); err != nil {
			t.Fatalf("the failure is not JSON: %v: %s", err, line)
		}
	}
	return found
}

type order struct {
	Price int `json:"price"`
	Count int `json:"count"`
}

func TestValueOfEvent(t *testing.T) {
	got := try(t, `{"price": 6, "count": 7}`, "", func(_ Context, o order) (map[string]any, error) {
		return map[string]any{"total": o.Price * o.Count, "html": "<b>"}, nil
	})
	if got.code != 0 || got.value != `{"html":"<b>","total":42}` || got.logs != "" {
		t.Fatalf("%+v", got)
	}
}

func TestNoEventIsNull(t *testing.T) {
	got := try(t, " \n", "", func(_ Context, event any) (any, error) { return event, nil })
	if got.code != 0 || got.value != "null" {
		t.Fatalf("%+v", got)
	}
}

func TestEventThatDoesNotFit(t *testing.T) {
	for _, event := range []string{`{"price": "six"}`, `{`, `[1]`, `{} {}`} {
		got := try(t, event, "", func(_ Context, o order) (int, error) { return o.Price, nil })
		if got.code != failureExitCode || got.failure.Name != "InvalidEventError" || got.value != "" {
			t.Fatalf("%s: %+v", event, got)
		}
	}
}

func TestResultThatIsNotJSON(t *testing.T) {
	got := try(t, "null", "", func(Context, any) (float64, error) { return math.NaN(), nil })
	if got.failure.Name != "InvalidResultError" || !strings.Contains(got.failure.Value, "NaN") {
		t.Fatalf("%+v", got)
	}
}

type OutOfStock struct{ item string }

func (e OutOfStock) Error() string { return e.item + " is out of stock" }

type listOf[T any] struct{ item T }

func (e *listOf[T]) Error() string { return "list" }

func TestErrorsHaveTheNameOfTheirType(t *testing.T) {
	for name, err := range map[string]error{
		"Error":      errors.New("no"),
		"OutOfStock": fmt.Errorf("order: %w", OutOfStock{"tea"}),
		"PathError":  &fs.PathError{Op: "open", Path: "a", Err: fs.ErrNotExist},
		"Teapot":     fmt.Errorf("cook: %w", Failf("Teapot", "short and %s", "stout")),
	} {
		got := try(t, "null", "", func(Context, any) (any, error) { return "lost", err })
		if got.code != failureExitCode || got.failure.Name != name || got.failure.Value != err.Error() || got.value != "" {
			t.Fatalf("%s: %+v", name, got)
		}
	}
	if name := typeName(&listOf[int]{}); name != "Error" {
		t.Fatal(name)
	}
}

func fall(depth int) int {
	if depth == 0 {
		panic(fmt.Errorf("the bottom"))
	}
	return fall(depth-1) + 1
}

func TestPanicHasTheFramesOfTheFunction(t *testing.T) {
	got := try(t, "null", "", func(Context, any) (int, error) { return fall(2), nil })
	if got.failure.Name != "Panic" || got.failure.Value != "the bottom" {
		t.Fatalf("%+v", got)
	}
	trace := got.failure.Traceback
	if strings.Count(trace, "hks.fall\n") != 3 || !strings.Contains(trace, "handle_test.go:") {
		t.Fatalf("not the frames:\n%s", trace)
	}
	for _, absent := range []string{"hks.invoke", "hks.run", "hks.traceback", "testing."} {
		if strings.Contains(trace, absent) {
			t.Fatalf("%s is in:\n%s", absent, trace)
		}
	}
}

func TestPanicOfTheRuntime(t *testing.T) {
	got := try(t, `[1]`, "", func(_ Context, list []int) (int, error) { return list[len(list)], nil })
	if !strings.Contains(got.failure.Value, "index out of range") || got.failure.Traceback == "" {
		t.Fatalf("%+v", got)
	}
	got = try(t, "null", "", func(Context, any) (int, error) { panic(nil) })
	if got.failure.Name != "Panic" {
		t.Fatalf("%+v", got)
	}
}

func TestFailureIsOneLineThatTheHostReads(t *testing.T) {
	for _, text := range []string{strings.Repeat("x", 1<<20), strings.Repeat("\x00", 1<<20), strings.Repeat("é\n", 1<<19)} {
		var log strings.Builder
		failureReport{Name: text, Value: text, Traceback: text}.write(&log)
		line := log.String()
		if len(line) > failureBytesMax || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "}\n") {
			t.Fatalf("%d bytes, %d lines", len(line), strings.Count(line, "\n"))
		}
		if !json.Valid([]byte(strings.TrimPrefix(line, failureMarker))) {
			t.Fatal("not JSON")
		}
	}
}

func TestContext(t *testing.T) {
	deadline := time.Now().Add(time.Hour).UnixMilli()
	text := fmt.Sprintf(`{"execution_id": "exe_1", "attempt": 2, "function_name": "report", "function_version": null,
		"project": "default", "trigger": "cron", "deadline_ms": %d, "scheduled_at": "2026-11-25T03:00:00Z",
		"memory_limit_mb": 128, "of_the_future": true}`, deadline)
	got := try(t, "null", text, func(ctx Context, _ any) (string, error) {
		until, _ := ctx.Deadline()
		if until.UnixMilli() != deadline || ctx.RemainingTime() <= 59*time.Minute || ctx.Err() != nil {
			return "", errors.New("another deadline")
		}
		return fmt.Sprint(ctx.ExecutionID, ctx.Attempt, ctx.FunctionName, ctx.FunctionVersion, ctx.Project, ctx.Trigger,
			ctx.ScheduledAt.Format(time.RFC3339), ctx.MemoryLimitMB), nil
	})
	if want := `"exe_12reportdefaultcron2026-11-25T03:00:00Z128"`; strings.ReplaceAll(got.value, " ", "") != want {
		t.Fatalf("%+v", got)
	}
}

func TestNoContextHasNoDeadline(t *testing.T) {
	got := try(t, "null", "", func(ctx Context, _ any) (bool, error) {
		_, has := ctx.Deadline()
		return has || !ctx.ScheduledAt.IsZero() || ctx.RemainingTime() < time.Hour, nil
	})
	if got.value != "false" {
		t.Fatalf("%+v", got)
	}
	got = try(t, "null", "{", func(Context, any) (any, error) { return nil, nil })
	if got.failure.Name != "InvalidContextError" {
		t.Fatalf("%+v", got)
	}
}

func TestDeadlineThatHasPassed(t *testing.T) {
	got := try(t, "null", `{"deadline_ms": 1}`, func(ctx Context, _ any) (any, error) {
		<-ctx.Done()
		return ctx.RemainingTime(), ctx.Err()
	})
	if !strings.Contains(got.failure.Value, "deadline exceeded") {
		t.Fatalf("%+v", got)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestValueThatCannotBeWritten(t *testing.T) {
	var log strings.Builder
	code := run(streams{in: strings.NewReader("1"), out: broken{}, log: &log}, "", func(_ Context, n int) (int, error) { return n, nil })
	if code != failureExitCode || !strings.Contains(log.String(), "gone") {
		t.Fatal(code, log.String())
	}
}
