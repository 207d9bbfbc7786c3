package dynamicresources

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
)

// requestsFor turns the extended resources of a pod's containers into requests for devices, and says which container uses
// which request. classes are the device classes of those resources that are wanted.
//
// A container that runs as long as the pod has requests of its own. An init container that ends before the others start
// uses the devices of the containers after it first. Init containers that need more than that share one request, as
// large as the largest of them needs, because they run one after the other.
func requestsFor(pod *corev1.Pod, classes map[corev1.ResourceName]string) ([]resourcev1.DeviceRequest, []corev1.ContainerExtendedResourceRequest) {
	var requests []resourcev1.DeviceRequest
	var uses []corev1.ContainerExtendedResourceRequest
	for _, name := range slices.Sorted(maps.Keys(classes)) {
		s := newSharing(pod, name)
		for _, demand := range s.demands() {
			requests = append(requests, resourcev1.DeviceRequest{
				Name: demand.request,
				Exactly: &resourcev1.ExactDeviceRequest{
					DeviceClassName: classes[name],
					AllocationMode:  resourcev1.DeviceAllocationModeExactCount,
					Count:           demand.count,
				},
			})
		}
		uses = append(uses, s.uses...)
	}
	slices.SortFunc(requests, func(a, b resourcev1.DeviceRequest) int { return cmp.Compare(a.Name, b.Name) })
	return requests, uses
}

// demand is one request for devices: so many of them, for one container. The zero value asks for none.
type demand struct {
	request string
	count   int64
}

// sharing works out who uses what of one resource.
type sharing struct {
	resource   corev1.ResourceName
	containers []corev1.Container // init containers first, in the order in which they start
	lasting    []demand           // of the containers that run as long as the pod; zero for the others
	largest    demand             // of what the others need beyond that
	uses       []corev1.ContainerExtendedResourceRequest
}

func newSharing(pod *corev1.Pod, resource corev1.ResourceName) *sharing {
	s := &sharing{resource: resource, containers: slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)}
	s.lasting = make([]demand, len(s.containers))
	var passing []int
	for i := range s.containers {
		if i < len(pod.Spec.InitContainers) && !restarts(&s.containers[i]) {
			passing = append(passing, i)
			continue
		}
		if own := s.own(i); own.count > 0 {
			s.lasting[i] = own
			s.use(i, own.request)
		}
	}
	s.share(passing)
	return s
}

func restarts(container *corev1.Container) bool {
	return container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// own is what a container asks for. Its request is named after the container's place, and the resource's place among all
// that the container asks for.
func (s *sharing) own(container int) demand {
	asked := s.containers[container].Resources.Requests
	amount, found := asked[s.resource]
	if !found {
		return demand{}
	}
	count, whole := amount.AsInt64()
	if !whole {
		return demand{}
	}
	place := slices.Index(slices.Sorted(maps.Keys(asked)), s.resource)
	return demand{request: fmt.Sprintf("container-%d-request-%d", container, place), count: count}
}

func (s *sharing) use(container int, request string) {
	s.uses = append(s.uses, corev1.ContainerExtendedResourceRequest{
		ContainerName: s.containers[container].Name, ResourceName: s.resource.String(), RequestName: request,
	})
}

// share gives the containers that end early what those after them have, and finds the largest of what they lack.
func (s *sharing) share(passing []int) {
	var short []int // indices of uses of a request of the container's own, which becomes the largest one's
	for _, container := range passing {
		lacks := s.own(container)
		for _, later := range s.lasting[container:] {
			if lacks.count <= 0 {
				break
			}
			if later.count > 0 {
				s.use(container, later.request)
				lacks.count -= later.count
			}
		}
		if lacks.count <= 0 {
			continue
		}
		short = append(short, len(s.uses))
		s.use(container, lacks.request)
		if lacks.count > s.largest.count {
			s.largest = lacks
		}
	}
	for _, i := range short {
		s.uses[i].RequestName = s.largest.request
	}
}

// demands are all requests of the resource.
func (s *sharing) demands() []demand {
	var all []demand
	for _, each := range append([]demand{s.largest}, s.lasting...) {
		if each.count > 0 {
			all = append(all, each)
		}
	}
	return all
}
