package endpoints

import (
	"maps"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	"github.com/orrery-dev/orrery/controllers/internal/subsets"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// truncated is what the annotation endpoints.kubernetes.io/over-capacity says of Endpoints that leave addresses out.
const truncated = "truncated"

// wanted is what the Endpoints of a Service shall be, where they are observed to be something else or, with nil, not to be there;
// nil means that they are as they should be.
func wanted(service *ocorev1.Service, pods []ocorev1.Pod, observed *ocorev1.Endpoints) *ocorev1.Endpoints {
	wanted := &ocorev1.Endpoints{ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: service.Name}}
	if observed != nil {
		wanted = observed.DeepCopy()
	}
	wanted.Labels = labelsOf(service)
	all := behind(service, pods)
	kept := truncate(all)
	annotateCapacity(wanted, countOf(kept) < countOf(all))
	if observed == nil || !equality.Semantic.DeepEqual(subsets.Pack(observed.Subsets), kept) { // they may be the same in another order
		wanted.Subsets = kept
	}
	if equality.Semantic.DeepEqual(observed, wanted) {
		return nil
	}
	servicepods.Note(wanted, trigger(service, pods, observed, kept))
	return wanted
}

func labelsOf(service *ocorev1.Service) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, service.Labels)
	delete(labels, corev1.IsHeadlessService)
	if servicepods.Headless(service) {
		labels[corev1.IsHeadlessService] = ""
	}
	labels[labelManagedBy] = managedBy
	return labels
}

// annotateCapacity says whether addresses are left out.
func annotateCapacity(endpoints *ocorev1.Endpoints, leavesOut bool) {
	if leavesOut {
		metav1.SetMetaDataAnnotation(&endpoints.ObjectMeta, corev1.EndpointsOverCapacity, truncated)
	} else {
		delete(endpoints.Annotations, corev1.EndpointsOverCapacity)
	}
}

// trigger is the first change of the pods which are newly listed, or otherwise than before, or not any more because they have ceased to be
// ready; of new Endpoints without addresses, when the Service was created.
func trigger(service *ocorev1.Service, pods []ocorev1.Pod, observed *ocorev1.Endpoints, kept []corev1.EndpointSubset) time.Time {
	before := map[string]listed{}
	if observed != nil {
		before = listing(observed.Subsets)
	} else if len(kept) == 0 {
		return service.CreationTimestamp.Time
	}
	now := listing(kept)
	return servicepods.ChangesOf(pods).Earliest(func(pod string, ready bool) bool {
		if is, ok := now[pod]; ok {
			return is != before[pod]
		}
		return before[pod].ready && !ready
	})
}

// listed is by what address a pod is listed, and as what.
type listed struct {
	ip    string
	ready bool
}

// listing is what subsets say of pods, by name.
func listing(subsets []corev1.EndpointSubset) map[string]listed {
	all := map[string]listed{}
	add := func(addresses []corev1.EndpointAddress, ready bool) {
		for _, a := range addresses {
			if a.TargetRef != nil {
				all[a.TargetRef.Name] = listed{a.IP, ready}
			}
		}
	}
	for _, s := range subsets {
		add(s.Addresses, true)
		add(s.NotReadyAddresses, false)
	}
	return all
}
