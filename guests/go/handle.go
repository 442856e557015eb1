package hks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Handle calls handler with the event of this execution, hands over what it returns, and ends the program.
//
// The event and the value are whatever [encoding/json] makes of T and U; use [json.RawMessage] or any for those that have
// no fixed shape. For HTTP triggers there are [Request] and [Response].
//
// An error is the failure of the execution, with its type as the name (see [Failf]) and its text as the message. A panic is
// one with the name "Panic" and a traceback. An event that does not fit T is an "InvalidEventError", and a value that JSON
// cannot hold, such as NaN, an "InvalidResultError".
//
// A panic in a goroutine that the handler started ends the program at once, as everywhere in Go.
func Handle[T, U any](handler func(ctx Context, event T) (U, error)) {
	streams := streams{in: os.Stdin, out: os.Stdout, log: os.Stderr}
	os.Stdout = os.Stderr
	os.Exit(run(streams, os.Getenv(contextVariable), handler))
}

// streams are the program's own.
type streams struct {
	in       io.Reader
	out, log io.Writer
}

// run is Handle without the process. It returns the exit code.
func run[T, U any](streams streams, contextText string, handler func(Context, T) (U, error)) int {
	value, failure := answer(streams.in, contextText, handler)
	if failure == nil {
		_, err := streams.out.Write(value)
		if err == nil {
			return 0
		}
		failure = &failureReport{Name: "OSError", Value: fmt.Sprintf("the value cannot be written: %v", err)}
	}
	failure.write(streams.log)
	return failureExitCode
}

// answer is the value as JSON, or why there is none.
func answer[T, U any](in io.Reader, contextText string, handler func(Context, T) (U, error)) ([]byte, *failureReport) {
	ctx, cancel, err := newContext(contextText)
	if err != nil {
		return nil, &failureReport{Name: "InvalidContextError", Value: err.Error()}
	}
	defer cancel()
	event, err := read[T](in)
	if err != nil {
		return nil, &failureReport{Name: "InvalidEventError", Value: err.Error()}
	}
	value, failure := invoke(handler, ctx, event)
	if failure != nil {
		return nil, failure
	}
	text, err := encode(value)
	if err != nil {
		return nil, &failureReport{Name: "InvalidResultError", Value: fmt.Sprintf("the result is not JSON: %v", err)}
	}
	return text, nil
}

// read decodes the event. Nothing at all is null, so that a function can be tried with `go run . </dev/null`.
func read[T any](in io.Reader) (event T, err error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return event, fmt.Errorf("the event cannot be read: %w", err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		text = []byte("null")
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return event, fmt.Errorf("the event is not what the handler takes: %w", err)
	}
	return event, nil
}

// invoke calls the handler. Its panics are failures.
func invoke[T, U any](handler func(Context, T) (U, error), ctx Context, event T) (value U, failure *failureReport) {
	defer func() {
		if recovered := recover(); recovered != nil {
			report := ofPanic(recovered)
			failure = &report
		}
	}()
	value, err := handler(ctx, event)
	if err != nil {
		report := ofError(err)
		return value, &report
	}
	return value, nil
}
