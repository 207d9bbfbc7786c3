package main

import (
	"slices"
	"time"
)

// figures are what was measured in one run. Times are in seconds, memory is in bytes.
type figures struct {
	Pods int `json:"pods"`
	// Throughput is in pods a second, and of samples of a second each; a run of less than ten seconds has ten samples.
	Throughput spreadOf `json:"throughput"`
	// SinceFirstBinding is the average throughput when the clock starts with the first binding, whatever went before.
	SinceFirstBinding float64 `json:"sinceFirstBinding"`
	// Latency is from the request that creates a pod to the watch that shows it bound, for pods that come one by one.
	Latency spreadOf `json:"latency"`
	// Attempt is the scheduler's own scheduling_attempt_duration_seconds.
	Attempt spreadOf `json:"attempt"`
	// Memory is the most that the scheduler and the server had resident at any time, CPU what they used while the
	// pods were measured.
	Memory       int64   `json:"memory"`
	ServerMemory int64   `json:"serverMemory"`
	CPU          float64 `json:"cpu"`
	ServerCPU    float64 `json:"serverCPU"`
	// BenchmarkCPU is what this program itself used meanwhile.
	BenchmarkCPU float64 `json:"benchmarkCPU"`
	// Requests is how many requests the server answered while the pods were measured, by verb and resource, without
	// the benchmark's own.
	Requests map[string]int `json:"requests,omitempty"`
}

// allCPU is what scheduler, server and benchmark used.
func (f figures) allCPU() float64 { return f.CPU + f.ServerCPU + f.BenchmarkCPU }

// spreadOf is an average with its percentiles.
type spreadOf struct {
	Average float64 `json:"average"`
	P5      float64 `json:"p5"`
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
}

// times takes the throughput from when the pods were seen. The clock starts with the first creation or, where
// the pods were there before, with the first thing that is seen of their scheduling: that others are preempted for them,
// or a binding. Without the former, who makes room for all pods before binding any would look better than who does both
// side by side and is done earlier.
func (f *figures) times(seen *sightings, start time.Time) {
	bound := slices.SortedFunc(slices.Values(seen.bound), time.Time.Compare)
	if bound[0].Before(start) || seen.sent[0].Before(start) {
		start = bound[0]
		if !seen.preempted.IsZero() && seen.preempted.Before(start) {
			start = seen.preempted
		}
	}
	last := bound[len(bound)-1]
	f.SinceFirstBinding = float64(len(bound)) / max(last.Sub(bound[0]).Seconds(), 1e-9)
	total := last.Sub(start)
	sample := time.Second
	if total < 10*time.Second {
		sample = max(total/10, time.Nanosecond)
	}
	counts := make([]float64, total/sample) // what is left of a sample at the end does not count as one
	for _, t := range bound {
		if i := int(t.Sub(start) / sample); i < len(counts) {
			counts[i] += float64(time.Second) / float64(sample)
		}
	}
	f.Throughput = percentiles(counts)
	f.Throughput.Average = float64(len(bound)) / max(total.Seconds(), 1e-9)
}

func percentiles(values []float64) spreadOf {
	if len(values) == 0 {
		return spreadOf{}
	}
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	at := func(percent int) float64 { return values[min(len(values)-1, len(values)*percent/100)] }
	return spreadOf{Average: sum / float64(len(values)), P5: at(5), P50: at(50), P90: at(90), P99: at(99)}
}
