package daemonset

import (
	"slices"

	"github.com/go-logr/logr"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// fitting says which nodes a DaemonSet's template lets in.
type fitting struct {
	node        string // the only one, if not empty
	affinity    nodeaffinity.RequiredNodeAffinity
	tolerations []corev1.Toleration
}

func newFitting(set *oappsv1.DaemonSet) fitting {
	spec := set.Spec.Template.Spec.DeepCopy()
	tolerate(spec)
	return fitting{
		node:        spec.NodeName,
		affinity:    nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: *spec}),
		tolerations: spec.Tolerations,
	}
}

// fits reports whether a node is to have a pod, and whether it may keep one that it has.
func (f fitting) fits(node *ocorev1.Node) (run, keep bool) {
	if f.node != "" && f.node != node.Name {
		return false, false
	}
	if matches, err := f.affinity.Match((*corev1.Node)(node)); err != nil || !matches {
		return false, false
	}
	run, keep = true, true
	for i := range node.Spec.Taints {
		taint := &node.Spec.Taints[i]
		if taint.Effect == corev1.TaintEffectPreferNoSchedule || f.tolerates(taint) {
			continue
		}
		run = false
		keep = keep && taint.Effect != corev1.TaintEffectNoExecute
	}
	return run, keep
}

func (f fitting) tolerates(taint *corev1.Taint) bool {
	return slices.ContainsFunc(f.tolerations, func(t corev1.Toleration) bool { return t.ToleratesTaint(logr.Discard(), taint, true) })
}

// tolerate lets a pod stay through what a node may suffer from.
func tolerate(spec *corev1.PodSpec) {
	evicting := []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable}
	barring := []string{corev1.TaintNodeDiskPressure, corev1.TaintNodeMemoryPressure, corev1.TaintNodePIDPressure, corev1.TaintNodeUnschedulable}
	if spec.HostNetwork {
		barring = append(barring, corev1.TaintNodeNetworkUnavailable)
	}
	for _, key := range evicting {
		addToleration(spec, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute})
	}
	for _, key := range barring {
		addToleration(spec, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule})
	}
}

// addToleration puts a toleration in the place of one of the same key, effect, operator and value, or behind the others.
func addToleration(spec *corev1.PodSpec, t corev1.Toleration) {
	for i := range spec.Tolerations {
		if spec.Tolerations[i].MatchToleration(&t) {
			spec.Tolerations[i] = t
			return
		}
	}
	spec.Tolerations = append(spec.Tolerations, t)
}

// bindTo lets the scheduler bind a pod to one node only. What the template asks of nodes' labels goes on to hold.
func bindTo(spec *corev1.PodSpec, node string) {
	byName := corev1.NodeSelectorRequirement{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}
	if spec.Affinity == nil {
		spec.Affinity = &corev1.Affinity{}
	}
	if spec.Affinity.NodeAffinity == nil {
		spec.Affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	// The node was found to fit the template's terms: its name alone says all that they do.
	spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{byName}}},
	}
}

// nodeOf is the node that a pod is on or for; empty if nobody can tell.
func nodeOf(pod *ocorev1.Pod) string {
	if pod.Spec.NodeName != "" {
		return pod.Spec.NodeName
	}
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	for _, term := range affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == metav1.ObjectNameField && field.Operator == corev1.NodeSelectorOpIn && len(field.Values) == 1 {
				return field.Values[0]
			}
		}
	}
	return ""
}
