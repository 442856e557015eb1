package hks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// failureMarker begins the last line on standard error, which the host takes out of the logs: a command has no other
	// way to say how it failed.
	failureMarker = "hks-failure: "
	// failureExitCode says that such a line was written. EX_SOFTWARE of sysexits.h.
	failureExitCode = 70
	// failureBytesMax bounds that line; the host reads no longer one.
	failureBytesMax = 64 << 10
	// framesMax bounds a traceback; what recursed without an end repeats itself.
	framesMax = 50
)

// Failure is an error with a name, for callers that tell errors apart. Other errors have the name of their type.
type Failure struct {
	// Name is a word such as "OutOfStock".
	Name string
	// Message is what a person reads.
	Message string
}

func (f *Failure) Error() string { return f.Message }

// Failf makes an error with a name. It takes a format and arguments as [fmt.Errorf] does, except %w.
func Failf(name, format string, arguments ...any) error {
	return &Failure{Name: name, Message: fmt.Sprintf(format, arguments...)}
}

// failureReport is what the host makes the error of the execution.
type failureReport struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	Traceback string `json:"traceback"`
}

// write writes the line that begins with failureMarker, clipped to what the host reads.
func (f failureReport) write(to io.Writer) {
	for textMax := failureBytesMax / 2; ; textMax /= 2 {
		clipped := failureReport{clip(f.Name, min(textMax, 256)), clip(f.Value, textMax), clip(f.Traceback, textMax)}
		text, err := encode(clipped)
		if err != nil {
			return // three strings: it cannot be
		}
		if line := failureMarker + string(text) + "\n"; len(line) <= failureBytesMax {
			_, _ = io.WriteString(to, line) // whoever cannot be told is not told
			return
		}
	}
}

// ofError describes what a handler returned.
func ofError(err error) failureReport {
	if failure := (*Failure)(nil); errors.As(err, &failure) && failure.Name != "" {
		return failureReport{Name: failure.Name, Value: err.Error()}
	}
	return failureReport{Name: typeName(err), Value: err.Error()}
}

// typeName is the first type in the chain of wrapped errors that somebody gave a name for others: those of errors.New and
// fmt.Errorf say nothing.
func typeName(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		kind := reflect.TypeOf(err)
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		name, _, _ := strings.Cut(kind.Name(), "[")
		if first, _ := utf8.DecodeRuneInString(name); unicode.IsUpper(first) {
			return name
		}
	}
	return "Error"
}

// ofPanic describes what was recovered; to be called by the deferred function itself.
func ofPanic(value any) failureReport {
	return failureReport{Name: "Panic", Value: fmt.Sprint(value), Traceback: traceback()}
}

// traceback lists the function's own frames, innermost first, as Go prints them.
func traceback() string {
	pcs := make([]uintptr, framesMax+16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	var text strings.Builder
	panicked, count := false, 0
	for more := true; more && count < framesMax; {
		var frame runtime.Frame
		frame, more = frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicked = true
		case !panicked, strings.HasPrefix(frame.Function, "runtime."):
		case isOurs(frame.Function):
			return text.String()
		default:
			fmt.Fprintf(&text, "%s\n\t%s:%d\n", frame.Function, frame.File, frame.Line)
			count++
		}
	}
	return text.String()
}

// isOurs says whether the frame is this package calling the handler: all below it is of no interest to anybody.
func isOurs(function string) bool { return strings.HasPrefix(function, "hks.invoke") }

// clip shortens a text to so many bytes, at the end of a character.
func clip(text string, bytesMax int) string {
	if len(text) <= bytesMax {
		return text
	}
	for bytesMax > 0 && !utf8.RuneStart(text[bytesMax]) {
		bytesMax--
	}
	return text[:bytesMax] + "…"
}

// encode is json.Marshal without escapes for HTML.
func encode(value any) ([]byte, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(text.String(), "\n")), nil
}
