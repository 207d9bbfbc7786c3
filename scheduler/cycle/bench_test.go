package cycle_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// BenchmarkCycle schedules pods on 5,000 nodes: from the queue to the end of binding, which does nothing. The processor's
// time is that of all goroutines, and means more than the time that passes where others use the machine as well.
func BenchmarkCycle(b *testing.B) {
	preferring := func(pod *corev1.Pod) {
		terms := []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"zone-0", "zone-1"}},
		}}}
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 7, Preference: corev1.NodeSelectorTerm{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"zone-1"}}},
			}}},
		}}
	}
	for _, bench := range []struct {
		name string
		pod  func(i int) *corev1.Pod
	}{
		{"one shape", func(i int) *corev1.Pod { return newPod(fmt.Sprintf("pod-%d", i), "100m", "500Mi") }},
		{"node affinity", func(i int) *corev1.Pod { return newPod(fmt.Sprintf("pod-%d", i), "100m", "500Mi", preferring) }},
		{"ten shapes in turn", func(i int) *corev1.Pod {
			return newPod(fmt.Sprintf("pod-%d", i), fmt.Sprintf("%dm", 100+i%10), "500Mi")
		}},
		{"each its own shape", func(i int) *corev1.Pod { return newPod(fmt.Sprintf("pod-%d", i), "100m", fmt.Sprint(500<<20+i)) }},
		{"fits nowhere", func(i int) *corev1.Pod { return newPod(fmt.Sprintf("pod-%d", i), "100", "500Mi") }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			f := newFixture(b, settings{}, manyNodes(5000)...)
			f.ended = make(chan attempt, b.N)
			for i := range b.N {
				f.add(bench.pod(i))
			}
			b.ReportAllocs()
			before := processorTime(b)
			b.ResetTimer()
			f.run(b)
			for range b.N {
				<-f.ended
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pods/s")
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/pod")
		})
	}
}

// BenchmarkNodeComes schedules one pod after each of the nodes that come to 5,000.
func BenchmarkNodeComes(b *testing.B) {
	f := newFixture(b, settings{}, manyNodes(5000)...)
	f.run(b)
	next := func(i int) {
		f.add(newPod(fmt.Sprintf("pod-%d", i), "100m", "500Mi"))
		<-f.ended
	}
	const warm = 20 // After so many decisions a class knows all nodes.
	for i := range warm {
		next(i)
	}
	before := processorTime(b)
	b.ResetTimer()
	for i := range b.N {
		f.Cache.AddNode(newNode(fmt.Sprintf("new-%d", i), "64", "256Gi"))
		next(warm + i)
	}
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/pod")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
