package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

const (
	// nodeCount is how many nodes there are. There is room for all pods on each of them.
	nodeCount = 100
	// heartbeat is how often a node renews its lease, as kubelets do.
	heartbeat = 10 * time.Second
)

func nodeName(i int) string { return fmt.Sprintf("node-%03d", i) }

// createNodes makes the nodes with their leases.
func (g *stage) createNodes(ctx context.Context) error {
	return side(ctx, nodeCount, func(ctx context.Context, i int) error {
		now := metav1.Now()
		ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: now, LastTransitionTime: now}
		room := corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("1k"), corev1.ResourceMemory: resource.MustParse("1Ti"), corev1.ResourcePods: resource.MustParse("100k"),
		}
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), Labels: map[string]string{corev1.LabelHostname: nodeName(i)}},
			Status:     corev1.NodeStatus{Capacity: room, Allocatable: room, Conditions: []corev1.NodeCondition{ready}},
		}
		if _, err := g.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating a node: %w", err)
		}
		_, err := g.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Create(ctx, lease(i), metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("creating the lease of a node: %w", err)
		}
		return nil
	})
}

func lease(i int) *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), Namespace: corev1.NamespaceNodeLease},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: ptr.To(nodeName(i)), LeaseDurationSeconds: ptr.To[int32](40), RenewTime: ptr.To(metav1.NowMicro()),
		},
	}
}

// keepAlive renews the leases of the nodes until ctx ends.
func (g *stage) keepAlive(ctx context.Context) error {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := side(ctx, nodeCount, func(ctx context.Context, i int) error {
			renewed := fmt.Appendf(nil, `{"spec":{"renewTime":%q}}`, time.Now().UTC().Format(metav1.RFC3339Micro))
			_, err := g.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Patch(ctx, nodeName(i), types.MergePatchType, renewed, metav1.PatchOptions{})
			return err
		})
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("renewing the leases of the nodes: %w", err)
		}
	}
}

// sideBySide is how many requests this program makes at the same time.
const sideBySide = 32

// side calls do for each number below n, side by side.
func side(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// address is one that hardly any other pod has, for as long as it lives.
func address(pod *corev1.Pod) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(pod.UID))
	sum := h.Sum32()
	return fmt.Sprintf("10.%d.%d.%d", sum>>16&0xff, sum>>8&0xff, sum&0xff)
}
