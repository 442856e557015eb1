package hks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// contextVariable holds the context as JSON. Nothing else tells a command about its execution.
const contextVariable = "HKS_CONTEXT"

// Context says which execution this is. As a [context.Context] it has the deadline of the execution, after which the
// program is stopped whatever it does.
//
// The program has one thread: ctx.Done is closed only once the handler waits for something.
type Context struct {
	context.Context

	// ExecutionID is what the caller sees; all attempts of an execution share it.
	ExecutionID string
	// Attempt counts from 1.
	Attempt int
	// FunctionName and FunctionVersion are empty for code that was never deployed.
	FunctionName    string
	FunctionVersion string
	// Project owns the function.
	Project string
	// Trigger is what started the execution: "api", "http", "cron" or "event".
	Trigger string
	// ScheduledAt is the nominal time of a scheduled execution, and zero for all others.
	ScheduledAt time.Time
	// MemoryLimitMB is in MiB; 0 if it is not known.
	MemoryLimitMB int
}

// RemainingTime is the time until the deadline; never negative. Without a deadline, as in `go run`, it is the longest
// duration there is.
func (c Context) RemainingTime() time.Duration {
	deadline, ok := c.Deadline()
	if !ok {
		return 1<<63 - 1
	}
	return max(0, time.Until(deadline))
}

// contextDocument is the text of contextVariable. What it does not say stays zero, so that fields can be added to it.
type contextDocument struct {
	ExecutionID     string     `json:"execution_id"`
	Attempt         int        `json:"attempt"`
	FunctionName    string     `json:"function_name"`
	FunctionVersion string     `json:"function_version"`
	Project         string     `json:"project"`
	Trigger         string     `json:"trigger"`
	DeadlineMS      int64      `json:"deadline_ms"`
	ScheduledAt     *time.Time `json:"scheduled_at"`
	MemoryLimitMB   int        `json:"memory_limit_mb"`
}

// newContext reads the context from its JSON text; an empty one says nothing.
func newContext(text string) (Context, context.CancelFunc, error) {
	var document contextDocument
	if text != "" {
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			return Context{}, nil, fmt.Errorf("%s is not the context of an execution: %w", contextVariable, err)
		}
	}
	parent, cancel := withDeadline(document.DeadlineMS)
	ctx := Context{
		Context:         parent,
		ExecutionID:     document.ExecutionID,
		Attempt:         document.Attempt,
		FunctionName:    document.FunctionName,
		FunctionVersion: document.FunctionVersion,
		Project:         document.Project,
		Trigger:         document.Trigger,
		MemoryLimitMB:   document.MemoryLimitMB,
	}
	if document.ScheduledAt != nil {
		ctx.ScheduledAt = *document.ScheduledAt
	}
	return ctx, cancel, nil
}

// withDeadline has none if there is no such time.
func withDeadline(unixMS int64) (context.Context, context.CancelFunc) {
	if unixMS <= 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithDeadline(context.Background(), time.UnixMilli(unixMS))
}
