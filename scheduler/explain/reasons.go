package explain

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// scoreReason says in a sentence why a plugin scores a node as it does; "" where the number says it all.
func (e *examiner) scoreReason(node fwk.NodeInfo, plugin string, raw int64) string {
	switch plugin {
	case "NodeResourcesFit", "NodeResourcesBalancedAllocation":
		return "with the pod, " + e.usage(node) + " would be taken"
	case "TaintToleration":
		return countOf(e.untolerated(node.Node()), "PreferNoSchedule taint is not tolerated", "PreferNoSchedule taints are not tolerated", "no taint speaks against it")
	case "ImageLocality":
		there := 0
		for _, container := range e.pod.Spec.Containers {
			for name := range node.GetImageStates() {
				if strings.HasPrefix(name, container.Image) {
					there++
					break
				}
			}
		}
		return fmt.Sprintf("has %d of the pod's %d images", there, len(e.pod.Spec.Containers))
	case "NodeAffinity":
		if raw == 0 {
			return "no preferred term matches"
		}
		return fmt.Sprintf("preferred terms with a weight of %d match", raw)
	case "InterPodAffinity":
		switch {
		case raw > 0:
			return fmt.Sprintf("the pods nearby attract it by %d", raw)
		case raw < 0:
			return fmt.Sprintf("the pods nearby repel it by %d", -raw)
		}
		return "no pod nearby attracts or repels it"
	case "PodTopologySpread":
		return fmt.Sprintf("a weighted count of %d similar pods in its domains", raw)
	}
	return ""
}

// usage is how much of a node would be taken with the pod, as in "42% of CPU and 60% of memory".
func (e *examiner) usage(node fwk.NodeInfo) string {
	var texts []string
	for _, a := range amounts(e.pod, node) {
		if a.offered == 0 || a.wants == 0 && a.name != corev1.ResourceCPU && a.name != corev1.ResourceMemory {
			continue
		}
		name := string(a.name)
		if a.name == corev1.ResourceCPU {
			name = "CPU"
		}
		texts = append(texts, fmt.Sprintf("%d%% of %s", 100*(a.taken+a.wants)/a.offered, name))
	}
	return strings.Join(texts, " and ")
}

func (e *examiner) untolerated(node *corev1.Node) int {
	count := 0
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectPreferNoSchedule &&
			!schedulinghelpers.TolerationsTolerateTaint(klog.Logger{}, e.pod.Spec.Tolerations, &taint, true) {
			count++
		}
	}
	return count
}

func countOf(count int, one, many, none string) string {
	switch count {
	case 0:
		return none
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", count, many)
}
