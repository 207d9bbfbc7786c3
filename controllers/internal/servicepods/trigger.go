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
type Changes map[string]time.Time

// ChangesOf are those of pods.
func ChangesOf(pods []ocorev1.Pod) Changes {
	changes := make(Changes, len(pods))
	for i := range pods {
		changes[pods[i].Name], _ = replicas.Readiness(&pods[i])
	}
	return changes
}

// Earliest is the first of the changes of the pods that pass; zero where none is known.
func (c Changes) Earliest(pass func(pod string) bool) time.Time {
	var earliest time.Time
	for pod, at := range c {
		if !at.IsZero() && (earliest.IsZero() || at.Before(earliest)) && pass(pod) {
			earliest = at
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
