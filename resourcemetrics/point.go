package resourcemetrics

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

// Point is what was measured of a node or a container at one time.
type Point struct {
	// Start is when it began; the zero time where that is not told.
	Start time.Time
	// Time is when it was measured.
	Time time.Time
	// CPU is the time used since Start, in nanoseconds.
	CPU uint64
	// Memory is the working set, in bytes.
	Memory uint64
}

// Batch is what one node told: of itself, unless that was not complete, and of containers by pod and name.
type Batch struct {
	Node *Point
	Pods map[types.NamespacedName]map[string]Point
}

// Usage is what a node or a container used on average over a time, which ended at Time.
type Usage struct {
	Resources corev1.ResourceList
	Time      time.Time
	Window    time.Duration
}

// between is what was used from one point to a later one; false, where they are not of the same thing, or in no order.
func between(before, after Point) (Usage, bool) {
	window := after.Time.Sub(before.Time)
	if window <= 0 || after.Start.Before(before.Start) || after.CPU < before.CPU {
		return Usage{}, false
	}
	cores := float64(after.CPU-before.CPU) / window.Seconds()
	cpu := resource.NewScaledQuantity(int64(cores), resource.Nano)
	return Usage{
		Resources: corev1.ResourceList{
			corev1.ResourceCPU:    *cpu,
			corev1.ResourceMemory: *resource.NewQuantity(int64(min(after.Memory, 1<<63-1)), resource.BinarySI),
		},
		Time: after.Time, Window: window,
	}, true
}

// freshAge is how long a container has to have run before what it used since its start says anything.
const freshAge = 10 * time.Second

// preceding is the point with which the newest is to be compared: the one before it, or the start of a container that has started
// since nodes were asked last. before and last are those that were known; false says that there was none.
func preceding(newest Point, last, before *Point, resolution time.Duration) (Point, bool) {
	if age := newest.Time.Sub(newest.Start); !newest.Start.IsZero() && age >= freshAge && age < resolution {
		return Point{Start: newest.Start, Time: newest.Start}, true
	}
	switch {
	case last == nil || !newest.Start.IsZero() && !newest.Start.Before(last.Time): // it was started anew meanwhile
		return Point{}, false
	case newest.Time.After(last.Time):
		return *last, true
	case before != nil && before.Time.Before(newest.Time): // told again
		return *before, true
	default:
		return Point{}, false
	}
}
