package queue

import (
	"fmt"
	"testing"

	fwk "k8s.io/kube-scheduler/framework"
)

// BenchmarkPass takes a pod through the queue, while 10,000 wait behind it.
func BenchmarkPass(b *testing.B) {
	q, _ := newTestQueue(b)
	for i := range 10_000 {
		q.Add(newPod(fmt.Sprintf("behind-%d", i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		q.Add(newPod("next", priority(1)))
		entry := q.Pop()
		q.Done(entry.GetPod().UID)
	}
}

// BenchmarkEventForOthers is what an event costs that no one of 10,000 refused pods waits for.
func BenchmarkEventForOthers(b *testing.B) {
	q, _ := newTestQueue(b)
	for i := range 10_000 {
		q.Add(newPod(fmt.Sprintf("pod-%d", i)))
		giveBack(b, q, q.Pop(), "Taint")
	}
	assigned := newPod("assigned")
	for name, event := range map[string]fwk.ClusterEvent{
		"nobody asked for": {Resource: fwk.AssignedPod, ActionType: fwk.Add},
		"others asked for": nodeAdded,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q.Move(event, nil, assigned, nil)
			}
		})
	}
}
