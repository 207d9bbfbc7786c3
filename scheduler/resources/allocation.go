package resources

import (
	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Allocation is how much of one resource of a node is taken, with and without a pending pod.
type Allocation struct {
	// Allocatable is what the node offers; 0 means that the resource does not count for this pod and node.
	Allocatable int64
	Before      int64
	After       int64
	// Weight is that of the resource in the configuration.
	Weight int64
}

// Scored is the view of resources that one scoring plugin takes.
type Scored struct {
	Resources []configv1.ResourceSpec
	// Options say how a pending pod's requests are added up.
	Options podresources.PodResourcesOptions
	// NonZero counts pods without CPU and memory requests on the node as if they had small ones.
	NonZero bool
}

// PodRequests returns what a pod asks of each resource, in the order of the configuration.
func (s Scored) PodRequests(pod *corev1.Pod) PodRequests {
	requests := podresources.PodRequests(pod, s.Options)
	amounts := make(PodRequests, len(s.Resources))
	for i, resource := range s.Resources {
		quantity := requests[corev1.ResourceName(resource.Name)]
		if resource.Name == string(corev1.ResourceCPU) {
			amounts[i] = quantity.MilliValue()
		} else {
			amounts[i] = quantity.Value()
		}
	}
	return amounts
}

// Allocations returns the state of each resource on a node, for a pod with the given requests.
func (s Scored) Allocations(node fwk.NodeInfo, requests PodRequests) []Allocation {
	return s.AppendAllocations(make([]Allocation, 0, len(s.Resources)), node, requests)
}

// AppendAllocations is Allocations for a caller with a buffer.
func (s Scored) AppendAllocations(to []Allocation, node fwk.NodeInfo, requests PodRequests) []Allocation {
	for i := range s.Resources {
		to = append(to, s.allocation(i, node, requests[i]))
	}
	return to
}

func (s Scored) allocation(i int, node fwk.NodeInfo, request int64) Allocation {
	name := corev1.ResourceName(s.Resources[i].Name)
	switch name {
	case corev1.ResourceCPU, corev1.ResourceMemory: // Always counted, and much the most frequent.
	default:
		if request == 0 && IsScalar(name) {
			return Allocation{} // A pod that does not want GPUs does not care how many are free.
		}
	}
	allocatable, taken := s.onNode(node, name)
	if allocatable == 0 {
		return Allocation{}
	}
	return Allocation{Allocatable: allocatable, Before: taken, After: taken + request, Weight: s.Resources[i].Weight}
}

func (s Scored) onNode(node fwk.NodeInfo, name corev1.ResourceName) (allocatable, taken int64) {
	offered, requested := node.GetAllocatable(), node.GetRequested()
	counted := requested
	if s.NonZero {
		counted = node.GetNonZeroRequested()
	}
	switch name {
	case corev1.ResourceCPU:
		return offered.GetMilliCPU(), counted.GetMilliCPU()
	case corev1.ResourceMemory:
		return offered.GetMemory(), counted.GetMemory()
	case corev1.ResourceEphemeralStorage:
		return offered.GetEphemeralStorage(), requested.GetEphemeralStorage()
	}
	return offered.GetScalarResources()[name], requested.GetScalarResources()[name]
}

// PodRequests are a pod's requests in the order of a configuration. It can be kept in a cycle state.
type PodRequests []int64

// Clone returns the same: nothing changes it.
func (r PodRequests) Clone() fwk.StateData { return r }

// AllZero reports whether nothing is asked for.
func (r PodRequests) AllZero() bool {
	for _, request := range r {
		if request != 0 {
			return false
		}
	}
	return true
}
