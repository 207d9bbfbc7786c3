package placement

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
)

// placed is where the pods of a workload have come to lie: nodes by the name of the pod, "" for none.
type placed map[string]string

// broken says which constraints do not hold.
func (w *workload) broken(where placed) []string {
	var wrong []string
	nodes := map[string]*corev1.Node{}
	for _, node := range w.nodes {
		nodes[node.Name] = node
	}
	cpu, memory, ports := map[string]int64{}, map[string]int64{}, map[string]int{}
	apart, evenly, togetherIn := map[string]int{}, map[string]int{}, map[string]bool{}
	for _, pod := range w.pods {
		node := nodes[where[pod.Name]]
		if node == nil {
			continue
		}
		zone := node.Labels[corev1.LabelTopologyZone]
		requests := pod.Spec.Containers[0].Resources.Requests
		cpu[node.Name] += requests.Cpu().MilliValue()
		memory[node.Name] += requests.Memory().Value()
		for key, value := range pod.Spec.NodeSelector {
			if node.Labels[key] != value {
				wrong = append(wrong, fmt.Sprintf("%s is on %s, which has no %s=%s", pod.Name, node.Name, key, value))
			}
		}
		if taint, untolerated := schedulinghelpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations, nil, false); untolerated {
			wrong = append(wrong, fmt.Sprintf("%s is on %s and does not tolerate %s", pod.Name, node.Name, taint.Key))
		}
		switch pod.Labels["app"] {
		case "apart":
			apart[node.Name]++
		case "even":
			evenly[zone]++
		case "together":
			togetherIn[zone] = true
		case "port":
			ports[node.Name]++
		}
	}
	for name, node := range nodes {
		if cpu[name] > node.Status.Allocatable.Cpu().MilliValue() || memory[name] > node.Status.Allocatable.Memory().Value() {
			wrong = append(wrong, name+" has more on it than it can hold")
		}
		if apart[name] > 1 || ports[name] > 1 {
			wrong = append(wrong, fmt.Sprintf("%s has %d pods that want to be apart and %d of one host port", name, apart[name], ports[name]))
		}
	}
	counts := make([]int, zones)
	for i := range counts {
		counts[i] = evenly[fmt.Sprintf("zone-%d", i)]
	}
	if slices.Max(counts)-slices.Min(counts) > 1 {
		wrong = append(wrong, fmt.Sprintf("pods that want to be even are %v by zone", counts))
	}
	if len(togetherIn) > 1 {
		wrong = append(wrong, fmt.Sprintf("pods that want to be together are in %d zones", len(togetherIn)))
	}
	return wrong
}

// unevenness is the standard deviation of the share of CPU that is requested, over the nodes that everybody may use.
func (w *workload) unevenness(where placed) float64 {
	used := map[string]float64{}
	for _, pod := range w.pods {
		used[where[pod.Name]] += float64(pod.Spec.Containers[0].Resources.Requests.Cpu().MilliValue())
	}
	var shares []float64
	var mean float64
	for _, node := range w.nodes {
		if len(node.Spec.Taints) == 0 {
			share := used[node.Name] / float64(node.Status.Allocatable.Cpu().MilliValue())
			shares = append(shares, share)
			mean += share
		}
	}
	mean /= float64(len(shares))
	var variance float64
	for _, share := range shares {
		variance += (share - mean) * (share - mean)
	}
	return math.Sqrt(variance / float64(len(shares)))
}

// names are the pods that have a place, sorted.
func (p placed) names() []string {
	var names []string
	for pod, node := range p {
		if node != "" {
			names = append(names, pod)
		}
	}
	slices.Sort(names)
	return names
}
