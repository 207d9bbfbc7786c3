package devices

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// grant is what a container was given of one resource.
type grant struct {
	// Devices are the NUMA nodes by IDs of the devices, as they were when these were given.
	Devices map[string][]int64 `json:"devices"`
	// Answer is the plugin's, as it is sent: a ContainerAllocateResponse.
	Answer []byte `json:"answer"`
}

// ids are those of the devices, sorted.
func (g grant) ids() []string { return slices.Sorted(maps.Keys(g.Devices)) }

// book says who was given what: by the pod's UID, the container's name and the resource.
type book map[string]map[string]map[string]grant

func (b book) enter(pod, container, resource string, g grant) {
	if b[pod] == nil {
		b[pod] = map[string]map[string]grant{}
	}
	if b[pod][container] == nil {
		b[pod][container] = map[string]grant{}
	}
	b[pod][container][resource] = g
}

// strike undoes enter.
func (b book) strike(pod, container, resource string) {
	delete(b[pod][container], resource)
	if len(b[pod][container]) == 0 {
		delete(b[pod], container)
	}
	if len(b[pod]) == 0 {
		delete(b, pod)
	}
}

// taken are the devices of a resource that somebody has.
func (b book) taken(resource string) map[string]bool {
	ids := map[string]bool{}
	for _, containers := range b {
		for _, grants := range containers {
			for id := range grants[resource].Devices {
				ids[id] = true
			}
		}
	}
	return ids
}

// knows says whether somebody has something of a resource.
func (b book) knows(resource string) bool { return len(b.taken(resource)) > 0 }

// reusable are the devices of a resource that a further container of the pod may have: its init containers that are no sidecars have
// ended by then, unless one of these devices was passed on already.
func (b book) reusable(pod *corev1.Pod, resource string) []string {
	left := map[string]bool{}
	for i := range pod.Spec.InitContainers {
		spec := &pod.Spec.InitContainers[i]
		for id := range b[string(pod.UID)][spec.Name][resource].Devices {
			left[id] = !restart.Sidecar(spec)
		}
	}
	for i := range pod.Spec.Containers {
		for id := range b[string(pod.UID)][pod.Spec.Containers[i].Name][resource].Devices {
			left[id] = false
		}
	}
	maps.DeleteFunc(left, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(left))
}

// holder is the pod that has a device; "" if none does.
func (b book) holder(resource, id string) string {
	for pod, containers := range b {
		for _, grants := range containers {
			if _, has := grants[resource].Devices[id]; has {
				return pod
			}
		}
	}
	return ""
}
