// Sums up the numbers that the schedule hands in.
package main

import (
	"fmt"
	"maps"
	"slices"

	"hks"
)

// Input is what function.yaml has below schedule.input.
type Input struct {
	Regions map[string]int `json:"regions"`
}

// Report is the result of the execution.
type Report struct {
	Total   int      `json:"total"`
	Regions []string `json:"regions"`
}

func main() {
	hks.Handle(func(ctx hks.Context, input Input) (Report, error) {
		fmt.Println(len(input.Regions), "regions, due at", ctx.ScheduledAt)
		report := Report{Regions: slices.Sorted(maps.Keys(input.Regions))}
		for _, count := range input.Regions {
			report.Total += count
		}
		return report, nil
	})
}
