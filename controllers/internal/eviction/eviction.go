// Package eviction lets pods go that must not stay where they are, by taints of their nodes or of their devices.
//
// It is pure, and owns the order in which it is done: the pod says that it is disrupted, an event says that it is marked, and it is
// deleted, with its grace and without asking a disruption budget. Why it must go, and the words for it, are the caller's.
package eviction

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podstatus"
	"github.com/orrery-dev/orrery/framework/plan"
)

// Words are what is said of a pod that is evicted.
type Words struct {
	// Reason and Message are those of its condition DisruptionTarget.
	Reason, Message string
	// EventReason and EventMessage are those of the event about it.
	EventReason, EventMessage string
}

// Plan says that the pod is disrupted, and deletes it.
func Plan(pod *ocorev1.Pod, why string, words Words, now time.Time) *plan.Plan {
	p := plan.New()
	wanted := pod.DeepCopy()
	podstatus.Disrupt(wanted, words.Reason, words.Message, now)
	p.Status(pod, wanted)
	p.Event(pod, plan.Normal, words.EventReason, "%s", words.EventMessage)
	p.Delete(why, pod)
	return p
}
