package differential

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var daemonSetSubject = subject{
	name:  "DaemonSet",
	quiet: 2500 * time.Millisecond, // pods that failed are replaced after a second, and then two
	start: func(s *scenario) {
		for i := range 1 + s.IntN(3) {
			s.addNode(i)
		}
		history := int32(s.IntN(3))
		set := &appsv1.DaemonSet{ObjectMeta: s.meta(name), Spec: appsv1.DaemonSetSpec{Selector: selects("web"), Template: template("web", "web:1"), RevisionHistoryLimit: &history}}
		set.Spec.Template.Spec.NodeSelector = map[string]string{scenarioLabel: s.namespace, ofDaemonSet: "yes"}
		what := fmt.Sprintf("a DaemonSet is created, with a history of %d", history)
		switch s.IntN(4) {
		case 0:
			set.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
			what += ", rolled on deletion"
		case 1:
			surge, none := intstr.FromInt32(int32(1+s.IntN(2))), intstr.FromInt32(0)
			set.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType, RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxSurge: &surge, MaxUnavailable: &none}}
			what += fmt.Sprintf(", with %s more", surge.String())
		default:
			unavailable := intstr.FromInt32(int32(1 + s.IntN(2)))
			set.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType, RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &unavailable}}
			what += fmt.Sprintf(", %s unavailable", unavailable.String())
		}
		set.Spec.MinReadySeconds = s.never(&what)
		s.begin(what, set)
	},
	moves: append([]move{
		{8, func(s *scenario) bool {
			image := s.image()
			return s.edit("DaemonSet", "gets the image "+image, func(obj client.Object) { obj.(*appsv1.DaemonSet).Spec.Template.Spec.Containers[0].Image = image })
		}},
		{2, func(s *scenario) bool {
			if len(s.nodes) > 3 {
				return false
			}
			s.addNode(slices.Max(append(slices.Collect(maps.Keys(s.nodes)), -1)) + 1)
			return true
		}},
		{2, func(s *scenario) bool {
			s.raced, s.shown.undisrupted = true, true // taint eviction deletes pods, too
			return changesNode("gets a taint that nothing runs under", func(n *corev1.Node) {
				n.Spec.Taints = []corev1.Taint{{Key: "busy", Value: "yes", Effect: corev1.TaintEffectNoExecute}}
			})(s)
		}},
		{1, changesNode("gets a taint that nothing new is placed under", func(n *corev1.Node) {
			n.Spec.Taints = []corev1.Taint{{Key: "full", Value: "yes", Effect: corev1.TaintEffectNoSchedule}}
		})},
		{2, changesNode("has no taints", func(n *corev1.Node) { n.Spec.Taints = nil })},
		{1, changesNode("is cordoned, or not any more", func(n *corev1.Node) { n.Spec.Unschedulable = !n.Spec.Unschedulable })},
		{1, changesNode("is not of the DaemonSet any more", func(n *corev1.Node) { delete(n.Labels, ofDaemonSet) })},
		{3, beginsAnew},
		{1, deletesIt("DaemonSet", metav1.DeletePropagationBackground)},
		{1, deletesIt("DaemonSet", metav1.DeletePropagationForeground)},
		{1, deletesIt("DaemonSet", metav1.DeletePropagationOrphan)},
	}, podMoves...),
}

// ofDaemonSet is the label of nodes that the DaemonSet of a scenario has pods on.
const ofDaemonSet = "daemonset"

// addNode adds a node for the DaemonSet of this scenario.
func (s *scenario) addNode(i int) {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: s.nodeName(i), Labels: map[string]string{
		scenarioLabel: s.namespace, corev1.LabelTopologyZone: s.namespace, ofDaemonSet: "yes",
	}}}
	if s.nodes == nil {
		s.nodes = map[int]bool{}
	}
	s.nodes[i] = true
	s.do("node "+n.Name+" joins", func(ctx context.Context, c client.Client, _ *state) error { return joins(ctx, c, n.DeepCopy()) })
}

func changesNode(what string, change func(*corev1.Node)) func(*scenario) bool {
	return func(s *scenario) bool {
		if len(s.nodes) == 0 {
			return false
		}
		numbers := slices.Sorted(maps.Keys(s.nodes))
		name := s.nodeName(numbers[s.IntN(len(numbers))])
		s.do(strings.TrimSpace("node "+name+" "+what), func(ctx context.Context, c client.Client, _ *state) error {
			return changeObject(ctx, c, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, change)
		})
		return true
	}
}
