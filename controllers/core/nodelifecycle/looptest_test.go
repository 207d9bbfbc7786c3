package nodelifecycle

import (
	"errors"
	"fmt"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestNodesThatComeAndGoSilent lets the agents of random nodes renew their leases, post that they are ready or not, or
// say nothing, under both namings. No node is declared silent that has renewed its lease within the grace period, not
// even by a loop that sees the world as it was; and in the end, when nobody has said anything for long, all are unknown
// and unreachable, and their pods are not ready.
func TestNodesThatComeAndGoSilent(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:     scheme,
			Loops:      []loop.Loop{Loop(Options{MonitorGracePeriod: grace, StartupGracePeriod: grace})},
			Start:      someNodes,
			Change:     beat,
			Invariants: []looptest.Invariant{silentOnes},
			Converged:  allUnknown,
			Patience:   400,
		})
	})
}

// grace is short, so that it ends before a world in which nothing happens counts as one at rest.
const grace = 3 * time.Second

func someNodes(t *rapid.T) []client.Object {
	var objs []client.Object
	for i := range rapid.IntRange(1, 5).Draw(t, "nodes") {
		name := fmt.Sprintf("n%d", i)
		renewed := metav1.NewMicroTime(looptest.Begin)
		objs = append(objs,
			&ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(looptest.Begin)}},
			&coordinationv1.Lease{
				ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: name},
				Spec:       coordinationv1.LeaseSpec{RenewTime: &renewed},
			},
			&ocorev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "on-" + name},
				Spec:       corev1.PodSpec{NodeName: name},
				Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{
					{Type: corev1.PodReady, Status: corev1.ConditionTrue},
				}},
			})
	}
	return objs
}

// beat lets a node's agent renew its lease, and sometimes post its status or that a pod of it is ready.
func beat(t *rapid.T, w *looptest.World) {
	if rapid.IntRange(0, 3).Draw(t, "pod") == 0 {
		pods := looptest.All[*ocorev1.Pod](w)
		looptest.Edit(w, "agent", pods[rapid.IntRange(0, len(pods)-1).Draw(t, "of")], func(pod *ocorev1.Pod) {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		})
		return
	}
	leases := looptest.All[*coordinationv1.Lease](w)
	lease := leases[rapid.IntRange(0, len(leases)-1).Draw(t, "node")]
	looptest.Edit(w, "agent", lease, func(lease *coordinationv1.Lease) {
		now := metav1.NewMicroTime(w.Now())
		lease.Spec.RenewTime = &now
	})
	status := rapid.SampledFrom([]corev1.ConditionStatus{"", corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionFalse}).Draw(t, "ready")
	if status == "" {
		return
	}
	looptest.Edit(w, "agent", &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: lease.Name}}, func(n *ocorev1.Node) {
		now := metav1.NewTime(w.Now())
		condition := corev1.NodeCondition{Type: corev1.NodeReady, Status: status, LastHeartbeatTime: now, LastTransitionTime: now}
		n.Status.Conditions = []corev1.NodeCondition{condition}
	})
}

// silentOnes is the invariant that a node is declared silent only when its lease is old.
func silentOnes(w *looptest.World, wrote looptest.Write) error {
	n, ok := wrote.After.(*ocorev1.Node)
	if !ok || wrote.By != "node-lifecycle-controller" || unknown(wrote.Before.(*ocorev1.Node)) || !unknown(n) {
		return nil
	}
	for _, lease := range looptest.All[*coordinationv1.Lease](w) {
		if age := w.Now().Sub(lease.Spec.RenewTime.Time); lease.Name == n.Name && age < grace {
			return fmt.Errorf("it renewed its lease %s ago", age)
		}
	}
	return nil
}

func unknown(n *ocorev1.Node) bool {
	return nodestatus.Is(n, corev1.NodeReady, corev1.ConditionUnknown)
}

func allUnknown(w *looptest.World) error {
	var wrong []error
	for _, n := range looptest.All[*ocorev1.Node](w) {
		if !unknown(n) {
			wrong = append(wrong, fmt.Errorf("node %s is not unknown: %v", n.Name, n.Status.Conditions))
		}
		if len(n.Spec.Taints) != 1 || n.Spec.Taints[0].Key != corev1.TaintNodeUnreachable {
			wrong = append(wrong, fmt.Errorf("node %s has the taints %v", n.Name, n.Spec.Taints))
		}
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if pod.Status.Conditions[0].Status == corev1.ConditionTrue {
			wrong = append(wrong, fmt.Errorf("pod %s is ready", pod.Name))
		}
	}
	return errors.Join(wrong...)
}
