package differential

import (
	"context"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// heartbeats is how often the Lease of each node is renewed.
	heartbeats = 5 * time.Second
	// grace is how long a node may be silent.
	grace = 20 * time.Second
	// monitored is how often upstream looks at all nodes.
	monitored = 500 * time.Millisecond
)

// silent are the nodes that send no heartbeats, on neither side.
var silent sync.Map

// live renews the Leases of the nodes of a side until ctx ends.
func (s *side) live(ctx context.Context) error {
	for beat := time.NewTicker(heartbeats); ; {
		var nodes corev1.NodeList
		if err := s.objects.List(ctx, &nodes); err != nil {
			return client.IgnoreNotFound(err)
		}
		for i := range nodes.Items {
			if _, is := silent.Load(nodes.Items[i].Name); is {
				continue
			}
			if err := s.renew(ctx, nodes.Items[i].Name); err != nil && ctx.Err() == nil {
				return fmt.Errorf("renewing the Lease of node %s of %s: %w", nodes.Items[i].Name, s.name, err)
			}
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *side) renew(ctx context.Context, node string) error {
	now := metav1.NowMicro()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: node, Namespace: corev1.NamespaceNodeLease}, Spec: coordinationv1.LeaseSpec{HolderIdentity: &node, RenewTime: &now}}
	data := fmt.Appendf(nil, `{"spec":{"renewTime":%q}}`, now.UTC().Format(metav1.RFC3339Micro))
	err := s.Patch(ctx, lease.DeepCopy(), client.RawPatch("application/merge-patch+json", data))
	if apierrors.IsNotFound(err) {
		return client.IgnoreNotFound(s.Create(ctx, lease)) // the namespace may be about to come
	}
	return err
}

// joins creates a node of a name that is ready.
func joins(ctx context.Context, c client.Client, n *corev1.Node) error {
	if err := c.Create(ctx, n); err != nil {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultRetry, func() error { return saysOfNode(ctx, c, n.Name, corev1.NodeReady, corev1.ConditionTrue) })
}

// saysOfNode writes a condition of a node, as a kubelet does: of the others it says that all is well.
func saysOfNode(ctx context.Context, c client.Client, name string, kind corev1.NodeConditionType, truth corev1.ConditionStatus) error {
	return changeStatus(ctx, c, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, func(n *corev1.Node) {
		now := metav1.NewTime(time.Now().Truncate(time.Second))
		n.Status.Conditions = nil
		for _, usual := range []corev1.NodeCondition{
			{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"},
			{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory"},
			{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure"},
			{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID"},
		} {
			usual.LastHeartbeatTime, usual.LastTransitionTime = now, now
			if usual.Type == kind {
				usual.Status = truth
			}
			n.Status.Conditions = append(n.Status.Conditions, usual)
		}
	})
}
