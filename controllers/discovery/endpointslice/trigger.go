package endpointslice

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// triggerTimes are the times of the changes that bring about writes of slices. From them users measure how long it takes until
// a pod gets traffic.
type triggerTimes struct {
	// created is when the Service was.
	created time.Time
	// readinessChanged is when pods became ready or stopped being so, by name; zero where that is not known.
	readinessChanged map[string]time.Time
}

func triggers(service *ocorev1.Service, pods []ocorev1.Pod) triggerTimes {
	t := triggerTimes{created: service.CreationTimestamp.Time, readinessChanged: make(map[string]time.Time, len(pods))}
	for i := range pods {
		t.readinessChanged[pods[i].Name], _ = replicas.Readiness(&pods[i])
	}
	return t
}

// noted is a slice as it shall be, with the annotation of the change that brought that about; without it where that is not
// known.
func (t triggerTimes) noted(d *draft) *odiscoveryv1.EndpointSlice {
	slice := d.wanted.DeepCopy()
	at := t.earliest(d)
	if at.IsZero() {
		delete(slice.Annotations, corev1.EndpointsLastChangeTriggerTime)
		return slice
	}
	if slice.Annotations == nil {
		slice.Annotations = map[string]string{}
	}
	slice.Annotations[corev1.EndpointsLastChangeTriggerTime] = at.UTC().Format(time.RFC3339Nano)
	return slice
}

// earliest is the first change of the pods whose endpoints are new or changed; of a new slice without endpoints, when the
// Service was created.
func (t triggerTimes) earliest(d *draft) time.Time {
	if d.observed == nil && len(d.wanted.Endpoints) == 0 {
		return t.created
	}
	listed := d.listed()
	var earliest time.Time
	for _, e := range d.wanted.Endpoints {
		at := t.readinessChanged[e.TargetRef.Name]
		if at.IsZero() || !earliest.IsZero() && earliest.Before(at) || equality.Semantic.DeepEqual(listed[e.TargetRef.Name], e) {
			continue
		}
		earliest = at
	}
	return earliest
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
