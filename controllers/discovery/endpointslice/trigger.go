package endpointslice

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"
)

// triggerTimes are the times of the changes that bring about writes of slices.
type triggerTimes struct {
	// created is when the Service was.
	created time.Time
	changes servicepods.Changes
}

func triggers(service *ocorev1.Service, pods []ocorev1.Pod) triggerTimes {
	return triggerTimes{created: service.CreationTimestamp.Time, changes: servicepods.ChangesOf(pods)}
}

// noted is a slice as it shall be, with the annotation of the change that brought that about; without it where that is not
// known.
func (t triggerTimes) noted(d *draft) *odiscoveryv1.EndpointSlice {
	slice := d.wanted.DeepCopy()
	servicepods.Note(slice, t.earliest(d))
	return slice
}

// earliest is the first change of the pods whose endpoints are new or changed, or gone because they have ceased to be ready; of a new
// slice without endpoints, when the Service was created.
func (t triggerTimes) earliest(d *draft) time.Time {
	if d.observed == nil && len(d.wanted.Endpoints) == 0 {
		return t.created
	}
	before, now := listed(d.observed), listed(d.wanted)
	return t.changes.Earliest(func(pod string, ready bool) bool {
		if e, ok := now[pod]; ok {
			return !equality.Semantic.DeepEqual(before[pod], e)
		}
		was, ok := before[pod]
		return ok && ptr.Deref(was.Conditions.Serving, true) && !ready
	})
}

// listed are the endpoints of a slice, by the names of their pods; of none, none.
func listed(slice *odiscoveryv1.EndpointSlice) map[string]discoveryv1.Endpoint {
	listed := map[string]discoveryv1.Endpoint{}
	if slice == nil {
		return listed
	}
	for _, e := range slice.Endpoints {
		if e.TargetRef != nil {
			listed[e.TargetRef.Name] = e
		}
	}
	return listed
}
