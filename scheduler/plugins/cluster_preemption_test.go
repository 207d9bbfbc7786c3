package plugins_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// newFullCluster is a random cluster with little room left, and a pod that is likely to need the place of others.
func newFullCluster(seed uint64) *cluster {
	w := &cluster{Rand: rand.New(rand.NewPCG(seed, 2))}
	for i := range 1 + w.IntN(6) {
		w.nodes = append(w.nodes, w.smallNode(fmt.Sprintf("node-%d", i)))
	}
	for _, node := range w.nodes {
		taken := map[int32]bool{} // Two pods on one node cannot have the same port.
		for range w.IntN(8) {
			pod := w.preemptible(fmt.Sprintf("running-%d", len(w.running)))
			pod.Spec.NodeName = node.Name
			container := &pod.Spec.Containers[0]
			container.Ports = slices.DeleteFunc(container.Ports, func(port corev1.ContainerPort) bool { return taken[port.HostPort] })
			for _, port := range container.Ports {
				taken[port.HostPort] = true
			}
			w.maybeTerminate(pod)
			w.running = append(w.running, pod)
		}
	}
	for i := range w.IntN(4) {
		w.objects = append(w.objects, w.budget(fmt.Sprintf("budget-%d", i)))
	}
	w.pod = w.preemptible("pending")
	w.pod.Spec.Priority = pick(w, nil, ptr.To[int32](0), ptr.To[int32](5), ptr.To[int32](100), ptr.To[int32](2000000000))
	w.pod.Status.StartTime = nil
	if w.chance(10) {
		w.pod.Spec.PreemptionPolicy = pick(w, ptr.To(corev1.PreemptNever), ptr.To(corev1.PreemptLowerPriority))
	}
	if w.chance(40) {
		w.pod.Status.NominatedNodeName = pick(w, "node-0", "node-1", "node-9")
	}
	return w
}

func (w *cluster) smallNode(name string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: w.labels()}}
	node.Spec.Unschedulable = w.chance(5)
	if w.chance(15) {
		node.Spec.Taints = append(node.Spec.Taints, w.taint())
	}
	node.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(pick(w, "1", "2", "3", "4")),
		corev1.ResourceMemory: resource.MustParse(pick(w, "1Gi", "2Gi", "8Gi")),
		corev1.ResourcePods:   resource.MustParse(pick(w, "3", "5", "20")),
	}
	if w.chance(40) {
		node.Status.Allocatable["example.com/gpu"] = resource.MustParse(pick(w, "1", "2"))
	}
	return node
}

// preemptible is a pod with all that preemption looks at.
func (w *cluster) preemptible(name string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pick(w, "red", "blue"), Name: name, UID: types.UID(name)}}
	if w.chance(80) {
		pod.Labels = map[string]string{"app": pick(w, "a", "b", "c")}
	}
	requests := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(pick(w, "100m", "250m", "500m", "1", "2"))}
	w.maybe(requests, corev1.ResourceMemory, "100Mi", "500Mi", "1Gi", "2Gi")
	if w.chance(20) {
		requests["example.com/gpu"] = resource.MustParse("1")
	}
	container := corev1.Container{Name: "app", Image: "web", Resources: corev1.ResourceRequirements{Requests: requests}}
	if w.chance(25) {
		container.Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: pick[int32](w, 8080, 8081), Protocol: corev1.ProtocolTCP}}
	}
	pod.Spec.Containers = []corev1.Container{container}
	pod.Spec.Priority = pick(w, nil, ptr.To[int32](-10), ptr.To[int32](0), ptr.To[int32](3), ptr.To[int32](5), ptr.To[int32](50))
	if w.chance(85) {
		start := time.Date(2026, 1, 1, w.IntN(4), 0, 0, w.IntN(2), time.UTC)
		pod.Status.StartTime = ptr.To(metav1.NewTime(start))
	}
	if w.chance(10) {
		pod.Spec.Tolerations = []corev1.Toleration{w.toleration()}
	}
	if w.chance(10) {
		pod.Spec.NodeSelector = map[string]string{"disk": w.value()}
	}
	return pod
}

// maybeTerminate makes some pods ones that are being deleted, because they were preempted or for another reason.
func (w *cluster) maybeTerminate(pod *corev1.Pod) {
	if !w.chance(15) {
		return
	}
	pod.DeletionTimestamp = ptr.To(metav1.NewTime(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)))
	pod.Status.Conditions = some(w, 1, func() corev1.PodCondition {
		return corev1.PodCondition{
			Type:   corev1.DisruptionTarget,
			Status: pick(w, corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionFalse),
			Reason: pick(w, corev1.PodReasonPreemptionByScheduler, corev1.PodReasonPreemptionByScheduler, "EvictionByEvictionAPI"),
		}
	})
}

func (w *cluster) budget(name string) *policyv1.PodDisruptionBudget {
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: pick(w, "red", "blue"), Name: name}}
	budget.Spec.Selector = pick(w, nil, &metav1.LabelSelector{}, w.selecting(metav1.LabelSelectorOpIn), w.selecting(metav1.LabelSelectorOpIn),
		w.selecting(metav1.LabelSelectorOpIn), w.selecting(metav1.LabelSelectorOpNotIn), w.selecting("Broken"))
	budget.Status.DisruptionsAllowed = w.Int32N(3)
	if w.chance(20) {
		budget.Status.DisruptedPods = map[string]metav1.Time{}
		for range w.IntN(3) {
			budget.Status.DisruptedPods[fmt.Sprintf("running-%d", w.IntN(10))] = metav1.Time{}
		}
	}
	return budget
}

func (w *cluster) selecting(operator metav1.LabelSelectorOperator) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
		Key: "app", Operator: operator, Values: []string{pick(w, "a", "b"), pick(w, "b", "c")},
	}}}
}

// nominations are pods that others made room for.
func (w *cluster) nominations() []*corev1.Pod {
	return some(w, 2, func() *corev1.Pod {
		pod := w.preemptible(fmt.Sprintf("nominated-%d", w.IntN(1000000)))
		pod.Status.NominatedNodeName = w.nodes[w.IntN(len(w.nodes))].Name
		return pod
	})
}
