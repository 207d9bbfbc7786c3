// Package admission says whether a node can run a pod that was assigned to it: whether it has room, and all that the pod asks for.
//
// Schedulers decide on what they have seen. Two that do not know of each other, or a person who writes spec.nodeName, can
// assign more to a node than it has: the node has the last word. It never lets a pod make another one leave, never judges
// a pod that has run here before, and never asks for labels or taints, which schedulers alone go by.
//
// Nothing that a pod asks for is ignored. What the node does not have is in Features, and a test goes over the Pod API's type to hold
// that every field of it is obeyed somewhere, refused here, or somebody else's.
//
// Reasons are those of upstream's kubelet, and so are messages where it has one.
package admission

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"

	"github.com/orrery-dev/orrery/nodeagent/hugepages"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// limited are the resources that a node runs out of. An extended resource is the business of its device plugin.
var limited = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}

// taken is how the requests of a pod that is here already are added up: with what its containers really have, where that is more than
// they were allocated.
var taken = podresources.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}

// Room returns a function that refuses a pod for which what the others leave of allocatable is not enough, or whose host
// ports are taken. A resource that allocatable does not name is not limited, but
// for huge pages, of which there are none then.
func Room(allocatable corev1.ResourceList) Check {
	return func(pod *corev1.Pod, others []*corev1.Pod) *status.Failure {
		if capacity, known := allocatable[corev1.ResourcePods]; known && int64(len(others)) >= capacity.Value() {
			return short(corev1.ResourcePods, 1, int64(len(others)), capacity.Value())
		}
		requests := podresources.PodRequests(pod, podresources.PodResourcesOptions{})
		if refused := fits(slices.Concat(limited, hugePagesIn(requests)), requests, allocatable, others); refused != nil {
			return refused
		}
		return portsTaken(pod, others)
	}
}

// Devices returns a function that refuses a pod for which what the others leave of the devices of plugins is not enough. offered are those
// that there are for the pod now; a resource that no plugin offers is limited by nobody here.
func Devices(offered func(pod *corev1.Pod) corev1.ResourceList) Check {
	return func(pod *corev1.Pod, others []*corev1.Pod) *status.Failure {
		allocatable := offered(pod)
		return fits(slices.Sorted(maps.Keys(allocatable)), podresources.PodRequests(pod, podresources.PodResourcesOptions{}), allocatable, others)
	}
}

// fits refuses what the others do not leave of some resources.
func fits(names []corev1.ResourceName, requests, allocatable corev1.ResourceList, others []*corev1.Pod) *status.Failure {
	for _, name := range names {
		capacity, known := allocatable[name]
		requested := amount(name, requests)
		if requested == 0 || !known && !hugepages.Is(name) {
			continue
		}
		var used int64
		for _, other := range others {
			used += amount(name, podresources.PodRequests(other, taken))
		}
		if total := amount(name, corev1.ResourceList{name: capacity}); used+requested > total {
			return short(name, requested, used, total)
		}
	}
	return nil
}

// hugePagesIn are those that are requested, of which a node has only what it names.
func hugePagesIn(requests corev1.ResourceList) []corev1.ResourceName {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(requests)), func(name corev1.ResourceName) bool { return !hugepages.Is(name) })
}

// amount is in thousandths of CPUs or in bytes.
func amount(name corev1.ResourceName, list corev1.ResourceList) int64 {
	quantity := list[name]
	if name == corev1.ResourceCPU {
		return quantity.MilliValue()
	}
	return quantity.Value()
}

func short(name corev1.ResourceName, requested, used, capacity int64) *status.Failure {
	return &status.Failure{
		Reason:  "OutOf" + string(name),
		Message: fmt.Sprintf("Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d", name, requested, used, capacity),
	}
}

// portsTaken refuses a pod that wants a host port which another one has.
func portsTaken(pod *corev1.Pod, others []*corev1.Pod) *status.Failure {
	wanted := hostPorts(pod)
	if len(wanted) == 0 {
		return nil
	}
	for _, other := range others {
		for _, had := range hostPorts(other) {
			if slices.ContainsFunc(wanted, func(port corev1.ContainerPort) bool { return collide(port, had) }) {
				return &status.Failure{
					Reason:  "NodePorts",
					Message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
				}
			}
		}
	}
	return nil
}

// hostPorts are those that the pod holds for as long as it runs: an init container that ends gives its own back.
func hostPorts(pod *corev1.Pod) []corev1.ContainerPort {
	containers := slices.Clone(pod.Spec.Containers)
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].RestartPolicy != nil {
			containers = append(containers, pod.Spec.InitContainers[i])
		}
	}
	var ports []corev1.ContainerPort
	for i := range containers {
		for _, port := range containers[i].Ports {
			if port.HostPort > 0 {
				ports = append(ports, port)
			}
		}
	}
	return ports
}

// collide reports whether two ports cannot be had at the same time: no address stands for all.
func collide(a, b corev1.ContainerPort) bool {
	return a.HostPort == b.HostPort && protocol(a) == protocol(b) && (anywhere(a) || anywhere(b) || a.HostIP == b.HostIP)
}

func anywhere(port corev1.ContainerPort) bool { return port.HostIP == "" || port.HostIP == "0.0.0.0" }

func protocol(port corev1.ContainerPort) corev1.Protocol {
	if port.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return port.Protocol
}
