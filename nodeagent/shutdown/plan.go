package shutdown

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/framework/engine"
)

// World is all that a decision needs.
type World struct {
	Ranges []Range
	// Since is when the machine was first said to go down; zero while it is not.
	Since time.Time
	// Pods are those that have not ended.
	Pods   []*corev1.Pod
	Memory Memory
}

// Memory is how far a shutdown has come.
type Memory struct {
	// Since is of which shutdown it is.
	Since time.Time
	// Range is the index of the range whose pods are ending, and Began when that began.
	Range int
	Began time.Time
	// Let: the machine is held back no more.
	Let bool
}

// again is how often it is looked whether pods have ended.
const again = 200 * time.Millisecond

// decide has the pods of one range after the other end, and then lets the machine go. It is pure.
func decide(w World, now time.Time) *engine.Plan[*Manager] {
	plan := &engine.Plan[*Manager]{}
	if w.Since.IsZero() {
		plan.Because("the machine does not go down")
		plan.Remember(func(error) any { return Memory{} })
		return plan
	}
	memory := w.Memory
	if !memory.Since.Equal(w.Since) {
		memory = Memory{Since: w.Since, Began: now}
	}
	left := byRange(w.Pods, w.Ranges)
	for memory.Range < len(w.Ranges) && over(memory, left[memory.Range], w.Ranges[memory.Range], now) {
		memory.Range, memory.Began = memory.Range+1, now
	}
	switch {
	case memory.Range < len(w.Ranges):
		r := w.Ranges[memory.Range]
		for _, pod := range left[memory.Range] {
			plan.Do(&endPod{pod, graceOf(pod, r), fmt.Sprintf("the machine goes down, and pods from priority %d on have %s to end", r.Priority, r.Period)})
		}
		plan.After(min(again, memory.Began.Add(r.Period).Sub(now)), "pods may have ended")
	case !memory.Let:
		plan.Do(&letGo{"no pod is waited for any more"})
		memory.Let = true
	default:
		plan.Because("the machine may go down")
	}
	plan.Remember(func(error) any { return memory })
	return plan
}

// over says whether a range is not waited for any more.
func over(m Memory, left []*corev1.Pod, r Range, now time.Time) bool {
	return len(left) == 0 || now.Sub(m.Began) >= r.Period && (r.Period > 0 || now.After(m.Began))
}

func byRange(pods []*corev1.Pod, ranges []Range) map[int][]*corev1.Pod {
	all := map[int][]*corev1.Pod{}
	for _, pod := range pods {
		i := rangeOf(pod, ranges)
		all[i] = append(all[i], pod)
	}
	return all
}
