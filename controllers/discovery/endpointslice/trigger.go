package endpointslice

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// date notes on a slice that is to be written which change brought that about: the earliest time that a pod became ready
// or stopped being so, of those whose endpoints are new or changed; of a new slice without endpoints, when the Service was
// created. From this users measure how long it takes until a pod gets traffic.
func (l *layout) date(d *draft) {
	listed := d.listed()
	var earliest time.Time
	for _, e := range d.wanted.Endpoints {
		at := l.turned[e.TargetRef.Name]
		if at.IsZero() || !earliest.IsZero() && earliest.Before(at) || equality.Semantic.DeepEqual(listed[e.TargetRef.Name], e) {
			continue
		}
		earliest = at
	}
	if d.observed == nil && len(d.wanted.Endpoints) == 0 {
		earliest = l.service.CreationTimestamp.Time
	}
	if earliest.IsZero() {
		delete(d.wanted.Annotations, corev1.EndpointsLastChangeTriggerTime)
		return
	}
	if d.wanted.Annotations == nil {
		d.wanted.Annotations = map[string]string{}
	}
	d.wanted.Annotations[corev1.EndpointsLastChangeTriggerTime] = earliest.UTC().Format(time.RFC3339Nano)
}

// turned are the times at which pods became ready or stopped being so, by name; zero where that is not known.
func turned(pods []ocorev1.Pod) map[string]time.Time {
	times := make(map[string]time.Time, len(pods))
	for i := range pods {
		times[pods[i].Name], _ = replicas.Readiness(&pods[i])
	}
	return times
}

// listed are the endpoints of the slice as observed, by the names of their pods.
func (d *draft) listed() map[string]discoveryv1.Endpoint {
	listed := map[string]discoveryv1.Endpoint{}
	if d.observed == nil {
		return listed
	}
	for _, e := range d.observed.Endpoints {
		if e.TargetRef != nil {
			listed[e.TargetRef.Name] = e
		}
	}
	return listed
}
