package main

import (
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// The namespaces of the pods before the measurement, of those that are measured, and of those that come one by one after
// it. Terms between pods look at the first two.
const (
	earlier  = "sched-0"
	measured = "sched-1"
	single   = "sched-2"
)

const color = "color"

// newNode makes a node as scheduler_perf has them: 4 CPUs, 32 GiB, 110 pods.
func newNode(name string, zones []string, i int) *corev1.Node {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
		Status: corev1.NodeStatus{
			Capacity: corev1.ResourceList{
				corev1.ResourceCPU:    resource.MustParse("4"),
				corev1.ResourceMemory: resource.MustParse("32Gi"),
				corev1.ResourcePods:   resource.MustParse("110"),
			},
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
			Phase:      corev1.NodeRunning,
		},
	}
	node.Status.Allocatable = node.Status.Capacity
	if len(zones) > 0 {
		node.Labels[corev1.LabelTopologyZone] = zones[i%len(zones)]
	}
	return node
}

func newPod(change ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: ptr.To[int64](0), // no node agent is there to confirm an end
			Containers: []corev1.Container{{
				Name: "pause", Image: "registry.k8s.io/pause:3.10.2", Ports: []corev1.ContainerPort{{ContainerPort: 80}},
			}},
		},
	}
	wants("100m", "500Mi")(pod)
	for _, c := range change {
		c(pod)
	}
	return pod
}

func wants(cpu, memory string) func(*corev1.Pod) {
	amounts := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	return func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: amounts, Limits: amounts}
	}
}

var (
	small    = wants("100m", "100Mi")
	filling  = wants("900m", "500Mi")
	tooLarge = func(pod *corev1.Pod) { wants("9", "500Mi")(pod); pod.Spec.Priority = ptr.To[int32](10) }
)

func important(pod *corev1.Pod) {
	wants("3", "500Mi")(pod)
	pod.Spec.Priority = ptr.To[int32](10)
}

var (
	blue   = colored("blue")
	green  = colored("green")
	red    = colored("red")
	yellow = colored("yellow")
)

func colored(c string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Labels = map[string]string{color: c} }
}

func are(c string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{color: c}}
}

func inZones(zones ...string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{
		Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: zones,
	}}}
}

func requiredZone(pod *corev1.Pod) {
	pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{inZones("zone1", "zone2")},
		},
	}}
}

func preferredZone(pod *corev1.Pod) {
	pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{
			{Weight: 1, Preference: inZones(threeZones[0])},
		},
	}}
}

// others is a term about pods of a color, in both namespaces.
func others(c, topologyKey string) corev1.PodAffinityTerm {
	return corev1.PodAffinityTerm{LabelSelector: are(c), TopologyKey: topologyKey, Namespaces: []string{earlier, measured}}
}

func nearBlue(pod *corev1.Pod) {
	pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{others("blue", corev1.LabelTopologyZone)},
	}}
}

// terms numbers the terms that only one pod has.
var terms atomic.Int64

func nearBlueByATermOfItsOwn(pod *corev1.Pod) {
	term := others("blue", corev1.LabelTopologyZone)
	term.LabelSelector.MatchExpressions = []metav1.LabelSelectorRequirement{
		{Key: "left-out", Operator: metav1.LabelSelectorOpNotIn, Values: []string{fmt.Sprint(terms.Add(1))}},
	}
	pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term},
	}}
}

func notWithGreen(pod *corev1.Pod) {
	pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{others("green", corev1.LabelHostname)},
	}}
}

func ratherWithRed(pod *corev1.Pod) {
	pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
			{Weight: 1, PodAffinityTerm: others("red", corev1.LabelHostname)},
		},
	}}
}

func ratherNotWithYellow(pod *corev1.Pod) {
	pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
			{Weight: 1, PodAffinityTerm: others("yellow", corev1.LabelHostname)},
		},
	}}
}

// skew is how many more pods one zone may have than another.
const skew = 5

func spread(pod *corev1.Pod)       { spreadOver(pod, corev1.DoNotSchedule) }
func ratherSpread(pod *corev1.Pod) { spreadOver(pod, corev1.ScheduleAnyway) }

func spreadOver(pod *corev1.Pod, otherwise corev1.UnsatisfiableConstraintAction) {
	pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew: skew, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: otherwise, LabelSelector: are("blue"),
	}}
}

func groupName(i int) string { return fmt.Sprintf("gang-%d", i) }

func newGroup(i, members int) *schedulingv1beta1.PodGroup {
	return &schedulingv1beta1.PodGroup{
		ObjectMeta: metav1.ObjectMeta{Name: groupName(i), Namespace: measured},
		Spec: schedulingv1beta1.PodGroupSpec{SchedulingPolicy: schedulingv1beta1.PodGroupSchedulingPolicy{
			Gang: &schedulingv1beta1.GangSchedulingPolicy{MinCount: int32(members)},
		}},
	}
}

func memberOf(i int) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: ptr.To(groupName(i))}
	}
}
