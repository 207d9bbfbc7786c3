package system_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/internal/await"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestANodeThatFallsSilent(t *testing.T) {
	alive, silent := readyNode(t), readyNode(t)
	namespace := namespaceOf(t)
	await.Success(t, "the ServiceAccount exists", func() error {
		return cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace.Name, Name: "default"}, &corev1.ServiceAccount{})
	})
	web := podOn(t, namespace.Name, silent.Name)
	for _, n := range []*ocorev1.Node{alive, silent} {
		await.Success(t, "it has a range of addresses", func() error {
			if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(n), n); err != nil {
				return err
			}
			if n.Spec.PodCIDR == "" {
				return fmt.Errorf("it has none")
			}
			return nil
		})
	}
	if alive.Spec.PodCIDR == silent.Spec.PodCIDR {
		t.Errorf("both nodes have the range %s", alive.Spec.PodCIDR)
	}

	began := time.Now()
	await.Success(t, "it is unknown and being emptied", func() error {
		renew(t, alive)
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(silent), silent); err != nil {
			return err
		}
		return expectNode(silent, corev1.ConditionUnknown, "node.kubernetes.io/unreachable:NoExecute", "node.kubernetes.io/unreachable:NoSchedule")
	})
	if waited := time.Since(began); waited < grace-time.Second {
		t.Errorf("it was given %s only", waited)
	}
	await.Success(t, "its pod is not ready, and is deleted", func() error {
		renew(t, alive)
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(web), web); err != nil {
			return err
		}
		if web.Status.Conditions[0].Status != corev1.ConditionFalse || web.DeletionTimestamp == nil {
			return fmt.Errorf("it has the conditions %v, deleted %v", web.Status.Conditions, web.DeletionTimestamp)
		}
		return nil
	})
	post(t, silent)
	await.Success(t, "it is well again", func() error {
		renew(t, alive)
		renew(t, silent)
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(silent), silent); err != nil {
			return err
		}
		return expectNode(silent, corev1.ConditionTrue)
	})
	remove(t, alive, metav1.DeletePropagationBackground)
	remove(t, silent, metav1.DeletePropagationBackground)
}

func TestADeletedPodThatNeverHadANodeGoes(t *testing.T) {
	namespace := namespaceOf(t)
	await.Success(t, "the ServiceAccount exists", func() error {
		return cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace.Name, Name: "default"}, &corev1.ServiceAccount{})
	})
	bound := podOn(t, namespace.Name, "nowhere")
	if err := cluster.Delete(t.Context(), bound); err != nil {
		t.Fatal(err)
	}
	unbound := podOn(t, namespace.Name, "")
	if err := cluster.Delete(t.Context(), unbound); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "it is gone", gone(t, unbound))
	if err := gone(t, bound)(); err == nil {
		t.Error("the pod of a node that is missed is gone before its time")
	}
}

func TestViewHasRules(t *testing.T) {
	await.Success(t, "the role view may read pods", func() error {
		view := &rbacv1.ClusterRole{}
		if err := cluster.Get(t.Context(), client.ObjectKey{Name: "view"}, view); err != nil {
			return err
		}
		for _, rule := range view.Rules {
			if slices.Contains(rule.Resources, "pods") && slices.Contains(rule.Verbs, "list") {
				return nil
			}
		}
		return fmt.Errorf("it has %d rules", len(view.Rules))
	})
}

// readyNode makes a node that has just said that it is ready.
func readyNode(t *testing.T) *ocorev1.Node {
	t.Helper()
	node := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{GenerateName: "node-"}}
	create(t, node)
	create(t, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: node.Name}})
	post(t, node)
	return node
}

// post lets a node say that it is ready.
func post(t *testing.T, node *ocorev1.Node) {
	t.Helper()
	renew(t, node)
	base := node.DeepCopy()
	now := metav1.Now()
	node.Status.Conditions = []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: now, LastTransitionTime: now,
	}}
	if err := cluster.Status().Patch(t.Context(), node, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
}

// renew renews the Lease of a node.
func renew(t *testing.T, node *ocorev1.Node) {
	t.Helper()
	lease := &coordinationv1.Lease{}
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: corev1.NamespaceNodeLease, Name: node.Name}, lease); err != nil {
		t.Fatal(err)
	}
	now := metav1.NowMicro()
	lease.Spec.RenewTime = &now
	if err := cluster.Update(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
}

// podOn makes a pod on a node, which runs there and is ready; with no node it is pending. It does not tolerate for long
// that its node is not ready.
func podOn(t *testing.T, namespace, node string) *ocorev1.Pod {
	t.Helper()
	second := int64(1)
	pod := &ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "web-"},
		Spec: corev1.PodSpec{
			NodeName:   node,
			Containers: []corev1.Container{{Name: "web", Image: "web"}},
			Tolerations: []corev1.Toleration{
				{Key: corev1.TaintNodeUnreachable, Effect: corev1.TaintEffectNoExecute, Operator: corev1.TolerationOpExists, TolerationSeconds: &second},
			},
		},
	}
	create(t, pod)
	if node == "" {
		return pod
	}
	base := pod.DeepCopy()
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := cluster.Status().Patch(t.Context(), pod, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
	return pod
}

func expectNode(node *ocorev1.Node, ready corev1.ConditionStatus, taints ...string) error {
	var has []string
	for _, taint := range node.Spec.Taints {
		has = append(has, taint.ToString())
	}
	slices.Sort(has)
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status != ready {
			return fmt.Errorf("ready is %s (%s)", condition.Status, condition.Reason)
		}
	}
	if !slices.Equal(has, taints) {
		return fmt.Errorf("the taints are %v, want %v", has, taints)
	}
	return nil
}
