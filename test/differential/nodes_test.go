package differential

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// nodeSubject is what becomes of the pods of a node that is not well, or that nobody hears of. The node is a zone of its own.
var nodeSubject = subject{
	name:  "Node",
	steps: 6,
	start: func(s *scenario) {
		s.addNode(0)
		n, t := int32(1+s.IntN(3)), template("web", "web:1")
		t.Spec.NodeSelector = map[string]string{scenarioLabel: s.namespace}
		what := fmt.Sprintf("a ReplicaSet of %d is created", n) + s.tolerations(&t.Spec)
		s.begin(what, &appsv1.ReplicaSet{ObjectMeta: s.meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: &n, Selector: selects("web"), Template: t}})
		s.goOn()
	},
	moves: []move{
		{6, (*scenario).goesOn},
		{3, says_("is not ready", corev1.NodeReady, corev1.ConditionFalse)},
		{2, says_("cannot tell whether it is ready", corev1.NodeReady, corev1.ConditionUnknown)},
		{2, says_("has little memory", corev1.NodeMemoryPressure, corev1.ConditionTrue)},
		{1, says_("has little room on its disk", corev1.NodeDiskPressure, corev1.ConditionTrue)},
		{4, says_("is well", corev1.NodeReady, corev1.ConditionTrue)},
		{3, changesNode("is to be drained", func(n *corev1.Node) {
			if slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == drained }) {
				return
			}
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: drained, Effect: corev1.TaintEffectNoExecute})
		})},
		{2, changesNode("has no taints", func(n *corev1.Node) { n.Spec.Taints = nil })},
		{1, changesNode("is cordoned, or not any more", func(n *corev1.Node) { n.Spec.Unschedulable = !n.Spec.Unschedulable })},
		{2, (*scenario).fallsSilent},
		{1, happens(isUnready)},
		{1, happens(isDeleted)},
		{1, restarts},
	},
}

// drained is a taint that somebody sets.
const drained = "example.org/drained"

// tolerations draws for how long pods stand what nodes are marked with; what the API server adds otherwise is longer than any scenario.
func (s *scenario) tolerations(pod *corev1.PodSpec) string {
	what := ""
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, drained} {
		seconds := int64(s.IntN(2))
		switch s.IntN(4) {
		case 0:
			pod.Tolerations = append(pod.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds})
			what += fmt.Sprintf(", that tolerates %s for %d s", key, seconds)
		case 1:
			pod.Tolerations = append(pod.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists})
			what += ", that tolerates " + key
		}
	}
	return what
}

func (s *scenario) nodeName(i int) string { return fmt.Sprintf("%s-node%d", s.namespace, i) }

func says_(what string, kind corev1.NodeConditionType, truth corev1.ConditionStatus) func(*scenario) bool {
	return func(s *scenario) bool {
		s.hears(func() {
			s.do("the node "+what, func(ctx context.Context, c client.Client, _ *state) error {
				return saysOfNode(ctx, c, s.nodeName(0), kind, truth)
			})
		})
		return true
	}
}

// hears does something with a node that is heard of again.
func (s *scenario) hears(do func()) {
	silent.Delete(s.nodeName(0))
	do()
}

// fallsSilent lets a node send nothing until it is declared lost.
func (s *scenario) fallsSilent() bool {
	if _, is := silent.LoadOrStore(s.nodeName(0), true); is {
		return false
	}
	s.quiet = grace + 5*time.Second
	defer func() { s.quiet = 0 }()
	s.do("the node falls silent", func(context.Context, client.Client, *state) error { return nil })
	return true
}
