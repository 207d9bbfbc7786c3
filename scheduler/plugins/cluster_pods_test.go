package plugins_test

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

var (
	topologyKeys = []string{corev1.LabelHostname, corev1.LabelTopologyZone, "rack"}
	namespaces   = []string{"default", "blue", "green"}
)

// crowd makes the cluster one of many pods in several namespaces, on nodes in zones and racks.
func crowd(w *cluster) {
	for len(w.nodes) < 3+w.IntN(6) {
		w.nodes = append(w.nodes, w.node(fmt.Sprintf("node-%d", len(w.nodes))))
	}
	for _, node := range w.nodes {
		w.locate(node)
	}
	for len(w.running) < w.IntN(20) {
		pod := w.newPod(fmt.Sprintf("running-%d", len(w.running)))
		pod.Spec.NodeName = w.nodes[w.IntN(len(w.nodes))].Name
		w.running = append(w.running, pod)
	}
	for _, pod := range append(slices.Clone(w.running), w.pod) {
		pod.Namespace = pick(w, "default", "default", "blue", "green")
		pod.Labels = w.podLabels()
		if w.chance(8) {
			pod.DeletionTimestamp = &metav1.Time{}
		}
		if w.chance(5) {
			pod.Status.NominatedNodeName = "node-0"
		}
	}
	for _, name := range namespaces {
		if w.chance(85) {
			w.objects = append(w.objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: w.podLabels()}})
		}
	}
}

// locate labels a node with where it is. Now and then a label is missing, empty or that of another node.
func (w *cluster) locate(node *corev1.Node) {
	if node.Labels == nil {
		node.Labels = map[string]string{}
	}
	if w.chance(95) {
		node.Labels[corev1.LabelHostname] = pick(w, node.Name, node.Name, node.Name, "node-0")
	}
	if w.chance(85) {
		node.Labels[corev1.LabelTopologyZone] = pick(w, "a", "a", "b", "b", "c", "")
	}
	if w.chance(70) {
		node.Labels["rack"] = pick(w, "1", "2")
	}
}

func (w *cluster) podLabels() map[string]string {
	labels := map[string]string{}
	for _, key := range []string{"app", "tier", "version"} {
		if w.chance(70) {
			labels[key] = pick(w, "a", "b")
		}
	}
	return labels
}

// selector may be nil, which matches nothing, or empty, which matches all.
func (w *cluster) selector() *metav1.LabelSelector {
	switch w.IntN(12) {
	case 0:
		return nil
	case 1:
		return &metav1.LabelSelector{}
	case 2, 3:
		requirement := metav1.LabelSelectorRequirement{Key: pick(w, "app", "tier", "version"), Values: []string{pick(w, "a", "b")}}
		requirement.Operator = pick(w, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist)
		if requirement.Operator == metav1.LabelSelectorOpExists || requirement.Operator == metav1.LabelSelectorOpDoesNotExist {
			requirement.Values = nil
		}
		if w.chance(3) {
			requirement.Operator = "Like" // No API server lets it through.
		}
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{requirement}}
	}
	return &metav1.LabelSelector{MatchLabels: map[string]string{pick(w, "app", "app", "tier", "version"): pick(w, "a", "b")}}
}

func (w *cluster) podAffinityTerm() corev1.PodAffinityTerm {
	term := corev1.PodAffinityTerm{LabelSelector: w.selector(), TopologyKey: pick(w, topologyKeys...)}
	if w.chance(30) {
		term.Namespaces = some(w, 2, func() string { return pick(w, namespaces...) })
	}
	if w.chance(25) {
		term.NamespaceSelector = w.selector()
	}
	return term
}

func (w *cluster) weightedTerm() corev1.WeightedPodAffinityTerm {
	return corev1.WeightedPodAffinityTerm{Weight: 1 + w.Int32N(100), PodAffinityTerm: w.podAffinityTerm()}
}

// sociable makes a cluster in which pods want to be near to and away from others.
func sociable(w *cluster) {
	crowd(w)
	for _, pod := range w.running {
		if w.chance(40) {
			w.socialize(pod)
		}
	}
	if w.chance(80) {
		w.socialize(w.pod)
	}
	if w.chance(25) { // A group that likes itself, perhaps nowhere yet.
		w.pod.Labels["group"] = "own"
		w.pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
				{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"group": "own"}}, TopologyKey: pick(w, topologyKeys...)},
			},
		}}
		if len(w.running) > 0 && w.chance(40) {
			w.running[0].Namespace = w.pod.Namespace
			w.running[0].Labels["group"] = "own"
		}
	}
}

func (w *cluster) socialize(pod *corev1.Pod) {
	affinity := &corev1.Affinity{}
	if pod.Spec.Affinity != nil {
		affinity.NodeAffinity = pod.Spec.Affinity.NodeAffinity
	}
	if w.chance(60) {
		affinity.PodAffinity = &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: some(w, 2, w.weightedTerm)}
		if w.chance(60) {
			affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution = some(w, 2, w.podAffinityTerm)
		}
	}
	if w.chance(60) {
		affinity.PodAntiAffinity = &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: some(w, 2, w.weightedTerm)}
		if w.chance(60) {
			affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution = some(w, 2, w.podAffinityTerm)
		}
	}
	pod.Spec.Affinity = affinity
}

// spreadOut makes a cluster in which pods are spread, by constraints of their own or because they belong together.
func spreadOut(w *cluster) {
	crowd(w)
	for range w.IntN(3) {
		w.objects = append(w.objects, w.service(fmt.Sprintf("service-%d", len(w.objects))))
	}
	if w.chance(70) {
		w.own(w.pod)
	}
	if w.chance(70) {
		w.pod.Spec.TopologySpreadConstraints = some(w, 3, func() corev1.TopologySpreadConstraint {
			constraint := w.constraint()
			constraint.LabelSelector = w.selector()
			return constraint
		})
	}
}

func (w *cluster) constraint() corev1.TopologySpreadConstraint {
	constraint := corev1.TopologySpreadConstraint{
		MaxSkew:           1 + w.Int32N(3),
		TopologyKey:       pick(w, topologyKeys...),
		WhenUnsatisfiable: pick(w, corev1.DoNotSchedule, corev1.ScheduleAnyway),
	}
	if w.chance(30) && constraint.WhenUnsatisfiable == corev1.DoNotSchedule {
		constraint.MinDomains = ptr.To(1 + w.Int32N(4))
	}
	if w.chance(40) {
		constraint.NodeAffinityPolicy = ptr.To(pick(w, corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore))
	}
	if w.chance(40) {
		constraint.NodeTaintsPolicy = ptr.To(pick(w, corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore))
	}
	if w.chance(25) {
		constraint.MatchLabelKeys = some(w, 2, func() string { return pick(w, "app", "version", "absent") })
	}
	return constraint
}

func (w *cluster) service(name string) *corev1.Service {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: w.pod.Namespace, Name: name}}
	if w.chance(90) {
		service.Spec.Selector = map[string]string{}
		for key, value := range w.pod.Labels {
			if w.chance(40) {
				service.Spec.Selector[key] = value
			}
		}
	}
	if w.chance(15) {
		service.Spec.Selector = w.podLabels()
	}
	if w.chance(10) {
		service.Namespace = "green"
	}
	return service
}

// own gives a pod a controller, which is there, mostly.
func (w *cluster) own(pod *corev1.Pod) {
	kind := pick(w, "ReplicationController", "ReplicaSet", "StatefulSet", "DaemonSet")
	version := "apps/v1"
	if kind == "ReplicationController" {
		version = "v1"
	}
	if w.chance(5) {
		version = "a/b/c"
	}
	pod.OwnerReferences = []metav1.OwnerReference{
		{APIVersion: version, Kind: kind, Name: "web", UID: types.UID("web"), Controller: ptr.To(w.chance(95))},
	}
	meta := metav1.ObjectMeta{Namespace: pod.Namespace, Name: pick(w, "web", "web", "web", "other")}
	object := map[string]runtime.Object{
		"ReplicationController": &corev1.ReplicationController{ObjectMeta: meta, Spec: corev1.ReplicationControllerSpec{Selector: maps.Clone(pod.Labels)}},
		"ReplicaSet":            &appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Selector: w.selector()}},
		"StatefulSet":           &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: w.selector()}},
	}[kind]
	if object != nil {
		w.objects = append(w.objects, object)
	}
}
