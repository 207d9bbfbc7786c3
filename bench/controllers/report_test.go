package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-dev/orrery/bench/internal/child"
)

func TestFiguresAreWhatAStepAdded(t *testing.T) {
	created, refused := request{By: "a", Verb: "create", What: "pods"}, request{By: "a", Verb: "create", What: "pods", Refused: true}
	told, listed := request{By: "a", Verb: "create", What: "events"}, request{By: "a", Verb: "list", What: "pods"}
	before := readings{
		manager: child.Usage{CPU: 1, Memory: 10}, server: child.Usage{CPU: 5}, driver: child.Usage{CPU: 7},
		requests: map[request]int{created: 2, told: 1},
	}
	after := readings{
		manager: child.Usage{CPU: 3, Memory: 20}, server: child.Usage{CPU: 9}, driver: child.Usage{CPU: 8},
		requests: map[request]int{created: 6, told: 1, refused: 1, listed: 3},
	}
	got := figuresOf(step{name: "create", objects: 10}, 2*time.Second, before, after)
	got.Requests = nil // they are in the order of a map
	want := figures{Step: "create", Objects: 10, Time: 2, Writes: 5, Refused: 1, Reads: 3, CPU: 2, ServerCPU: 4, DriverCPU: 1, Memory: 20}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.perObject() != 0.5 {
		t.Errorf("%g writes for each object: want 0.5", got.perObject())
	}
}

func TestTableHasARatioWhereBothWereMeasured(t *testing.T) {
	r := newReport(settings{}, []string{ours, upstream})
	r.add(workload{name: "w"}, ours, []figures{{Step: "one", Objects: 10, Time: 1, Writes: 10, CPU: 1, ServerCPU: 1, Memory: 1e6}, {Step: "two"}}, nil)
	r.add(workload{name: "w"}, upstream, []figures{{Step: "one", Objects: 10, Time: 2, Writes: 20, CPU: 4, ServerCPU: 1, Memory: 2e6}}, nil)
	want := "" +
		"  step   manager  objects   time  writes/object  of that Events  refused  reads    CPU  server's CPU  peak memory\n" +
		"   one      ours       10  1.0 s           1.00            0.00        0      0  1.0 s         1.0 s         1 MB\n" +
		"   one  upstream       10  2.0 s           2.00            0.00        0      0  4.0 s         1.0 s         2 MB\n" +
		"         ratio             0.50           0.50                                   0.25          1.00         0.50\n" +
		"   two      ours        0  0.0 s           0.00            0.00        0      0  0.0 s         0.0 s         0 MB\n"
	if diff := cmp.Diff(want, r.table("w")); diff != "" {
		t.Error(diff)
	}
}
