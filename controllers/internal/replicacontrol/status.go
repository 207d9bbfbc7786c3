package replicacontrol

import (
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/podcontrol"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/conditions"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/labels"
)

// Counts are how many pods a set has.
type Counts struct {
	// Replicas are those that are active.
	Replicas int32
	// FullyLabeled are those of them with all labels of the template.
	FullyLabeled int32
	// Ready are those of them that are ready, and Available those that have been for minReadySeconds.
	Ready, Available int32
	// Terminating are those that are being deleted and still run.
	Terminating int32
}

// Count counts the observed pods.
func Count(s Set, w World, now time.Time) Counts {
	c := Counts{Replicas: int32(len(w.Claims.Held)), Terminating: int32(len(w.Terminating))}
	template := labels.SelectorFromSet(s.Template.Labels)
	for _, pod := range w.Claims.Held {
		if template.Matches(labels.Set(pod.Labels)) {
			c.FullyLabeled++
		}
		if replicas.Ready(pod) {
			c.Ready++
		}
		if replicas.Available(pod, s.MinReadySeconds, now) {
			c.Available++
		}
	}
	return c
}

// Failure is what a condition says of pods that could not be brought to the desired number: a reason, and the API server's words.
func Failure(s Set, w World, failed error) (reason, message string) {
	message = plan.Cause(failed).Error()
	if w.Surplus(s) < 0 {
		return podcontrol.ReasonFailedCreate, message
	}
	return podcontrol.ReasonFailedDelete, "unable to delete pods: " + message
}

// Failing are a set's conditions with the one of a kind that says what failed, as long as something does. The first failure is kept:
// its time says since when. That nothing can be created in a namespace which is being deleted is none.
func Failing[C any, K ~string](of conditions.Of[C, K], have []C, kind K, failed error, now time.Time, failure func() C) []C {
	if failed == nil || plan.NamespaceTerminating(failed) {
		return of.Remove(have, kind)
	}
	if _, told := of.Find(have, kind); told {
		return have
	}
	return of.Set(have, failure(), now)
}
