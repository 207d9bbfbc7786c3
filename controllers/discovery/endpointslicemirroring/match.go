package endpointslicemirroring

import (
	"cmp"
	"maps"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/portset"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pair is an image and the slice that shall show it; nil means a new one.
type pair struct {
	image    image
	observed *odiscoveryv1.EndpointSlice
}

// matched gives each image the slice that shows its family and ports already, or else one of its family that nothing else is shown
// by. The rest of the slices is returned, too.
func matched(endpoints *ocorev1.Endpoints, images []image, observed []*odiscoveryv1.EndpointSlice) (pairs []pair, rest []*odiscoveryv1.EndpointSlice) {
	rest = slices.Clone(observed)
	slices.SortFunc(rest, func(a, b *odiscoveryv1.EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	for _, i := range images {
		pairs = append(pairs, pair{image: i})
	}
	take := func(fits func(image, *odiscoveryv1.EndpointSlice) bool) {
		for i := range pairs {
			if pairs[i].observed != nil {
				continue
			}
			// A slice of earlier Endpoints of the name is about to be collected, and the family of a slice never changes.
			found := slices.IndexFunc(rest, func(s *odiscoveryv1.EndpointSlice) bool {
				return metav1.IsControlledBy(s, endpoints) && s.AddressType == pairs[i].image.family && fits(pairs[i].image, s)
			})
			if found >= 0 {
				pairs[i].observed = rest[found]
				rest = slices.Delete(rest, found, found+1)
			}
		}
	}
	take(func(i image, s *odiscoveryv1.EndpointSlice) bool { return portset.Key(i.ports) == portset.Key(s.Ports) })
	take(func(image, *odiscoveryv1.EndpointSlice) bool { return true })
	return pairs, rest
}

// sliceOf is the slice that shows an image of Endpoints: the observed one, or, where that is nil, a new one.
func sliceOf(endpoints *ocorev1.Endpoints, i image, observed *odiscoveryv1.EndpointSlice) *odiscoveryv1.EndpointSlice {
	slice := &odiscoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: endpoints.Namespace, GenerateName: endpoints.Name + "-"},
		AddressType: i.family,
	}
	if observed != nil {
		slice = observed.DeepCopy()
	}
	slice.Labels = map[string]string{}
	maps.Copy(slice.Labels, endpoints.Labels)
	slice.Labels[discoveryv1.LabelServiceName] = endpoints.Name
	slice.Labels[discoveryv1.LabelManagedBy] = managedBy
	slice.Annotations = maps.Clone(endpoints.Annotations)
	delete(slice.Annotations, corev1.EndpointsLastChangeTriggerTime)
	delete(slice.Annotations, corev1.LastAppliedConfigAnnotation)
	slice.Ports, slice.Endpoints = i.ports, i.endpoints
	return slice
}
