package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestThroughputIsCountedFromTheFirstBindingWherePodsWereThereBefore(t *testing.T) {
	start := time.Now()
	s := &sightings{}
	for i := range 2001 { // one pod every 10 ms, and thus 100 a second for 20 seconds
		s.sent = append(s.sent, start.Add(-time.Minute))
		s.bound = append(s.bound, start.Add(5*time.Second).Add(time.Duration(i)*10*time.Millisecond))
	}
	var f figures
	f.times(s, start)
	for name, got := range map[string]float64{"average": f.Throughput.Average, "p5": f.Throughput.P5, "p99": f.Throughput.P99} {
		if math.Abs(got-100) > 1 {
			t.Errorf("%s is %.1f pods a second, want 100", name, got)
		}
	}
}

func TestMakingRoomCounts(t *testing.T) {
	start := time.Now()
	s := &sightings{preempted: start.Add(time.Second)}
	for i := range 100 { // after nine seconds of preempting, all within one
		s.sent = append(s.sent, start.Add(-time.Minute))
		s.bound = append(s.bound, start.Add(10*time.Second).Add(time.Duration(i+1)*10*time.Millisecond))
	}
	var f figures
	f.times(s, start)
	if got := f.Throughput.Average; math.Abs(got-10) > 0.1 {
		t.Errorf("the throughput is %.1f pods a second, want 10", got)
	}
	if got := f.SinceFirstBinding; math.Abs(got-101) > 0.1 {
		t.Errorf("the throughput since the first binding is %.1f pods a second, want 101", got)
	}
}

func TestPercentilesAreOfTheSortedValues(t *testing.T) {
	var values []float64
	for i := 100; i > 0; i-- {
		values = append(values, float64(i))
	}
	if got, want := percentiles(values), (spreadOf{Average: 50.5, P5: 6, P50: 51, P90: 91, P99: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAttemptsAreThoseOfTheRunThatWereScheduled(t *testing.T) {
	const metric = "scheduler_scheduling_attempt_duration_seconds"
	text := func(fast, slow int) string {
		return fmt.Sprintf(`# TYPE %[1]s histogram
%[1]s_bucket{result="scheduled",le="1"} %[2]d
%[1]s_bucket{result="scheduled",le="2"} %[3]d
%[1]s_bucket{result="scheduled",le="+Inf"} %[3]d
%[1]s_sum{result="scheduled"} %[3]d
%[1]s_count{result="scheduled"} %[3]d
%[1]s_bucket{result="unschedulable",le="+Inf"} 1000
%[1]s_sum{result="unschedulable"} 1000
%[1]s_count{result="unschedulable"} 1000
`, metric, fast, fast+slow)
	}
	var of [2]families
	for i, text := range []string{text(10, 0), text(20, 30)} {
		var err error
		if of[i], err = parseMetrics(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	got := of[1].attempts().minus(of[0].attempts()).spread() // 10 below a second, 30 between one and two
	if got.Average != 1 || math.Abs(got.P50-(1+1.0/3)) > 1e-9 {
		t.Errorf("got an average of %.2f s and a median of %.2f s, want 1 s and 1.33 s", got.Average, got.P50)
	}
}

func TestWrongPlacementsAreFound(t *testing.T) {
	const a, b = "a", "b"
	on := func(namespace string, change ...func(*corev1.Pod)) *corev1.Pod {
		pod := newPod(change...)
		pod.Namespace = namespace
		return pod
	}
	world := func(pods map[string][]*corev1.Pod) placements {
		p := placements{nodes: map[string]*corev1.Node{}, pods: pods}
		for i, name := range []string{a, b} {
			p.nodes[name] = newNode(name, []string{"x", "y"}, i)
		}
		return p
	}
	many := make([]*corev1.Pod, skew+1)
	for i := range many {
		many[i] = on(measured)
	}
	for name, test := range map[string]struct {
		holds constraint
		pods  map[string][]*corev1.Pod
		wrong bool
	}{
		"a node that is full":              {notOverfull, map[string][]*corev1.Pod{a: {on(measured, wants("4", "1Gi"))}}, false},
		"a node that is overfull":          {notOverfull, map[string][]*corev1.Pod{a: {on(measured, wants("3", "1Gi")), on(earlier, wants("2", "1Gi"))}}, true},
		"a node that does not exist":       {notOverfull, map[string][]*corev1.Pod{"c": {on(measured)}}, true},
		"pods apart that refuse another":   {onePerNode, map[string][]*corev1.Pod{a: {on(measured, green)}, b: {on(earlier, green)}}, false},
		"pods together that refuse so":     {onePerNode, map[string][]*corev1.Pod{a: {on(measured, green), on(earlier, green)}}, true},
		"zones that differ by the allowed": {evenly, map[string][]*corev1.Pod{a: many[:skew]}, false},
		"zones that differ by more":        {evenly, map[string][]*corev1.Pod{a: many}, true},
	} {
		if err := test.holds(world(test.pods)); (err != nil) != test.wrong {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAGangKeepsItsShapeAtAnySize(t *testing.T) {
	for _, w := range workloads {
		if w.gang == 0 {
			continue
		}
		for _, scale := range []float64{0.001, 0.1, 0.333, 1} {
			sized := w.sized(settings{scale: scale})
			if sized.measured.pods%sized.gang != 0 || sized.measured.pods/sized.gang != w.measured.pods/w.gang {
				t.Errorf("at scale %g %s has %d pods in groups of %d", scale, w.name, sized.measured.pods, sized.gang)
			}
		}
	}
}
