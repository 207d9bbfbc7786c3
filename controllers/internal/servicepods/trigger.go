package servicepods

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Changes are when pods became ready or stopped being so, by name. From them users measure how long it takes until a pod gets
// traffic.
type Changes map[string]Change

// Change is when a pod became ready, or stopped being so; zero where that is not known.
type Change struct {
	At    time.Time
	Ready bool
}

// ChangesOf are those of pods.
func ChangesOf(pods []ocorev1.Pod) Changes {
	changes := make(Changes, len(pods))
	for i := range pods {
		at, ready := replicas.Readiness(&pods[i])
		changes[pods[i].Name] = Change{At: at, Ready: ready}
	}
	return changes
}

// Earliest is the first of the changes of the pods that pass; zero where none is known.
func (c Changes) Earliest(pass func(pod string, ready bool) bool) time.Time {
	var earliest time.Time
	for pod, change := range c {
		if !change.At.IsZero() && (earliest.IsZero() || change.At.Before(earliest)) && pass(pod, change.Ready) {
			earliest = change.At
		}
	}
	return earliest
}

// Note annotates an object that is to be written with the time of the change which brought that about; with zero, it takes the
// annotation off.
func Note(obj metav1.Object, at time.Time) {
	annotations := obj.GetAnnotations()
	if at.IsZero() {
		delete(annotations, corev1.EndpointsLastChangeTriggerTime)
		return
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[corev1.EndpointsLastChangeTriggerTime] = at.UTC().Format(time.RFC3339Nano)
	obj.SetAnnotations(annotations)
}
