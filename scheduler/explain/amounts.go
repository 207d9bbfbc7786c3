package explain

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/resources"
)

// amount is one resource of a pod and a node: CPU in thousandths, memory and storage in bytes, others by number.
type amount struct {
	name                  corev1.ResourceName
	wants, offered, taken int64
}

func (a amount) lacks() int64 { return a.wants - (a.offered - a.taken) }

// amounts are all resources that the pod asks for.
func amounts(pod *corev1.Pod, node fwk.NodeInfo) []amount {
	wants, offered, taken := resources.Requests(pod), node.GetAllocatable(), node.GetRequested()
	all := []amount{
		{corev1.ResourceCPU, wants.MilliCPU, offered.GetMilliCPU(), taken.GetMilliCPU()},
		{corev1.ResourceMemory, wants.Memory, offered.GetMemory(), taken.GetMemory()},
		{corev1.ResourceEphemeralStorage, wants.EphemeralStorage, offered.GetEphemeralStorage(), taken.GetEphemeralStorage()},
	}
	for _, name := range slices.Sorted(maps.Keys(wants.Scalars)) {
		all = append(all, amount{name, wants.Scalars[name], offered.GetScalarResources()[name], taken.GetScalarResources()[name]})
	}
	return all
}

// fitAccount says what a node has too little of.
func (e *examiner) fitAccount(node fwk.NodeInfo) account {
	var result account
	var details []string
	if there, most := len(node.GetPods()), node.GetAllocatable().GetAllowedPodNumber(); there+1 > most {
		details = append(details, fmt.Sprintf("is full: %d of %d pods", there, most))
		result.short = 0.5
	}
	for _, a := range amounts(e.pod, node) {
		if a.wants == 0 || a.lacks() <= 0 {
			continue
		}
		details = append(details, fmt.Sprintf("needs %s, %s free of %s", a.text(a.wants), a.number(a.offered-a.taken), a.number(a.offered)))
		result.short += float64(a.lacks()) / float64(max(a.offered, 1))
		result.remedies = append(result.remedies, remedy{
			phrase: "with " + a.less(),
			pod:    func(pod *corev1.Pod) { lower(pod, a.name, a.lacks()) },
		})
	}
	result.detail = strings.Join(details, "; ")
	return result
}

// text is an amount with its unit, as in "2 CPU" and "8Gi memory".
func (a amount) text(value int64) string {
	if a.name == corev1.ResourceCPU {
		return a.number(value) + " CPU"
	}
	return a.number(value) + " " + string(a.name)
}

func (a amount) less() string {
	name := string(a.name)
	value := a.number(a.lacks())
	if a.name == corev1.ResourceCPU {
		name = "CPU"
		value = resource.NewMilliQuantity(a.lacks(), resource.DecimalSI).String()
	} else if a.bytes() {
		value = bytesText(a.lacks(), true)
	}
	return value + " less " + name
}

func (a amount) bytes() bool {
	return a.name == corev1.ResourceMemory || a.name == corev1.ResourceEphemeralStorage ||
		strings.HasPrefix(string(a.name), corev1.ResourceHugePagesPrefix)
}

func (a amount) number(value int64) string {
	switch {
	case a.name == corev1.ResourceCPU:
		return strconv.FormatFloat(float64(value)/1000, 'f', -1, 64)
	case a.bytes():
		return bytesText(value, false)
	}
	return strconv.FormatInt(value, 10)
}

// bytesText is a number of bytes with at most one decimal, as in "1.5Gi", rounded down or up.
func bytesText(value int64, up bool) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}} {
		if value < unit.bytes && value > -unit.bytes {
			continue
		}
		tenths := value / (unit.bytes / 10)
		if up && tenths*(unit.bytes/10) < value {
			tenths++
		}
		tenths = min(tenths, 10*value/unit.bytes+1)
		if !up {
			tenths = 10 * (value / unit.bytes)
			tenths += 10 * (value % unit.bytes) / unit.bytes
		}
		return strconv.FormatFloat(float64(tenths)/10, 'f', -1, 64) + unit.name
	}
	return strconv.FormatInt(value, 10)
}

// lower takes an amount off a pod's requests, from the largest container first.
func lower(pod *corev1.Pod, name corev1.ResourceName, by int64) {
	whole := resources.Requests(pod)
	target := valueOf(*whole, name) - by
	quantity := func(value int64) resource.Quantity {
		if name == corev1.ResourceCPU {
			return *resource.NewMilliQuantity(value, resource.DecimalSI)
		}
		return *resource.NewQuantity(value, resource.BinarySI)
	}
	capped := func(list corev1.ResourceList) {
		if old, found := list[name]; found && old.Cmp(quantity(target)) > 0 {
			list[name] = quantity(max(target, 0))
		}
	}
	if pod.Spec.Resources != nil {
		capped(pod.Spec.Resources.Requests)
	}
	for i := range pod.Spec.InitContainers {
		capped(pod.Spec.InitContainers[i].Resources.Requests)
	}
	for valueOf(*resources.Requests(pod), name) > target {
		largest := slices.MaxFunc(pod.Spec.Containers, func(a, b corev1.Container) int {
			x, y := a.Resources.Requests[name], b.Resources.Requests[name]
			return x.Cmp(y)
		}).Resources.Requests
		old := valueOf(*resources.FromList(largest), name)
		if old == 0 {
			return // It is overhead, or init containers that run beside the others.
		}
		largest[name] = quantity(max(0, old-(valueOf(*resources.Requests(pod), name)-target)))
	}
}

func valueOf(amounts resources.Amounts, name corev1.ResourceName) int64 {
	switch name {
	case corev1.ResourceCPU:
		return amounts.MilliCPU
	case corev1.ResourceMemory:
		return amounts.Memory
	case corev1.ResourceEphemeralStorage:
		return amounts.EphemeralStorage
	}
	return amounts.Scalars[name]
}
