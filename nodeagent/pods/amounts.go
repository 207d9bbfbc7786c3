package pods

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// Amounts are the requests and limits of one container which can change while it runs: CPU in thousandths, memory in bytes. A limit
// that is zero is none.
type Amounts struct {
	CPURequest    int64 `json:"cpuRequest,omitempty"`
	CPULimit      int64 `json:"cpuLimit,omitempty"`
	MemoryRequest int64 `json:"memoryRequest,omitempty"`
	MemoryLimit   int64 `json:"memoryLimit,omitempty"`
}

// AmountsOf are those of a container of the pod. One without a limit of its own may use what the pod may, and one that names no
// request for CPU is given what its limit is.
func AmountsOf(pod *corev1.Pod, spec *corev1.Container) Amounts {
	cpu, memory := limit(pod, spec, corev1.ResourceCPU), limit(pod, spec, corev1.ResourceMemory)
	amounts := Amounts{
		CPURequest: cpu.MilliValue(), CPULimit: cpu.MilliValue(),
		MemoryRequest: spec.Resources.Requests.Memory().Value(), MemoryLimit: memory.Value(),
	}
	if request, named := spec.Resources.Requests[corev1.ResourceCPU]; named {
		amounts.CPURequest = request.MilliValue()
	}
	return amounts
}

func limit(pod *corev1.Pod, spec *corev1.Container, name corev1.ResourceName) resource.Quantity {
	quantity := spec.Resources.Limits[name]
	if quantity.IsZero() && pod.Spec.Resources != nil {
		return pod.Spec.Resources.Limits[name]
	}
	return quantity
}

// Annotation is the value of a container's annotation for what it is made with.
func (a Amounts) Annotation() string {
	text, err := json.Marshal(a)
	if err != nil {
		return "" // numbers always encode
	}
	return string(text)
}

// madeWith are the amounts that a container was made with, as far as it says so.
func madeWith(c *cri.Container) (amounts Amounts, told bool) {
	return amounts, json.Unmarshal([]byte(c.Annotations[cri.AnnotationResources]), &amounts) == nil
}

// withMemory and withCPU are the amounts, with some of others.
func (a Amounts) withMemory(other Amounts) Amounts {
	a.MemoryRequest, a.MemoryLimit = other.MemoryRequest, other.MemoryLimit
	return a
}

func (a Amounts) withCPU(other Amounts) Amounts {
	a.CPURequest, a.CPULimit = other.CPURequest, other.CPULimit
	return a
}

// restarts says whether a container has to be started anew to get other amounts than it has, by its resize policy.
func (a Amounts) restarts(other Amounts, policies []corev1.ContainerResizePolicy) bool {
	for _, policy := range policies {
		if policy.RestartPolicy != corev1.RestartContainer {
			continue
		}
		switch policy.ResourceName {
		case corev1.ResourceCPU:
			if a != a.withCPU(other) {
				return true
			}
		case corev1.ResourceMemory:
			if a != a.withMemory(other) {
				return true
			}
		}
	}
	return false
}

// String names the amounts as the API spells them.
func (a Amounts) String() string {
	var parts []string
	add := func(what string, quantity *resource.Quantity) {
		if !quantity.IsZero() {
			parts = append(parts, fmt.Sprintf("%s %s", what, quantity))
		}
	}
	add("requests.cpu", resource.NewMilliQuantity(a.CPURequest, resource.DecimalSI))
	add("limits.cpu", resource.NewMilliQuantity(a.CPULimit, resource.DecimalSI))
	add("requests.memory", resource.NewQuantity(a.MemoryRequest, resource.BinarySI))
	add("limits.memory", resource.NewQuantity(a.MemoryLimit, resource.BinarySI))
	if len(parts) == 0 {
		return "nothing of its own"
	}
	return strings.Join(parts, ", ")
}
