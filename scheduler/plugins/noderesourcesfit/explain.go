package noderesourcesfit

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/resources"
)

var (
	_ explain.RefusalExplainer = &Plugin{}
	_ explain.ScoreExplainer   = &Plugin{}
)

// ExplainRefusal says what a node has too little of.
func (*Plugin) ExplainRefusal(refused explain.Refused) explain.Detail {
	var result explain.Detail
	var details []string
	node := refused.Node
	if there, most := len(node.GetPods()), node.GetAllocatable().GetAllowedPodNumber(); there+1 > most {
		details = append(details, fmt.Sprintf("is full: %d of %d pods", there, most))
		result.Shortfall = 0.5
	}
	for _, demand := range resources.Demands(refused.Pod, node) {
		if demand.Wanted == 0 || demand.Missing() <= 0 {
			continue
		}
		details = append(details, fmt.Sprintf("needs %s, %s free of %s", demand.Text(demand.Wanted), demand.Quantity(demand.Free()), demand.Quantity(demand.Allocatable)))
		result.Shortfall += float64(demand.Missing()) / float64(max(demand.Allocatable, 1))
		result.Remedies = append(result.Remedies, explain.Remedy{
			Phrase: "with " + demand.Less(),
			Pod:    func(pod *corev1.Pod) { lower(pod, demand.Name, demand.Missing()) },
		})
	}
	result.Text = strings.Join(details, "; ")
	return result
}

// ExplainScore says how full the node would be.
func (*Plugin) ExplainScore(pod *corev1.Pod, node fwk.NodeInfo, _ int64) string {
	return "with the pod, " + resources.SharesTaken(pod, node) + " would be taken"
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
