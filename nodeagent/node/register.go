package node

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Register makes the Node, or takes over the one that is there: its labels are brought up to date, its spec is left alone.
func (b *Heartbeat) Register(ctx context.Context) error {
	b.runtime.updateRuntimeUp(ctx, b.Runtime, b.Clock)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	initial := b.initialNode()
	created := initial.DeepCopy()
	err := b.Client.Create(ctx, created)
	switch {
	case err == nil:
		b.set(created)
		return nil
	case !apierrors.IsAlreadyExists(err):
		return fmt.Errorf("registering node %s: %w", b.Name, err)
	}
	found := &ocorev1.Node{}
	if err := b.Client.Get(ctx, client.ObjectKey{Name: b.Name}, found); err != nil {
		return fmt.Errorf("reading node %s: %w", b.Name, err)
	}
	updated := found.DeepCopy()
	if updated.Labels == nil {
		updated.Labels = map[string]string{}
	}
	maps.Copy(updated.Labels, initial.Labels)
	if !maps.Equal(updated.Labels, found.Labels) {
		if err := b.Client.Patch(ctx, updated, client.MergeFrom(found)); err != nil {
			return fmt.Errorf("labelling node %s: %w", b.Name, err)
		}
	}
	b.set(updated)
	return nil
}

// initialNode is the Node where there is none yet.
func (b *Heartbeat) initialNode() *ocorev1.Node {
	info := b.Observed.Info
	labels := map[string]string{
		corev1.LabelHostname:      b.Name,
		corev1.LabelOSStable:      info.OperatingSystem,
		corev1.LabelArchStable:    info.Architecture,
		"beta.kubernetes.io/os":   info.OperatingSystem,
		"beta.kubernetes.io/arch": info.Architecture,
	}
	maps.Copy(labels, b.Labels)
	node := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: b.Name, Labels: labels}}
	node.Spec.Taints = b.Taints
	node.Spec.PodCIDRs = b.PodCIDRs
	if len(b.PodCIDRs) > 0 {
		node.Spec.PodCIDR = b.PodCIDRs[0]
	}
	now := b.Clock.Now()
	node.Status = Status(b.observed(now), &node.Status, now)
	return node
}
