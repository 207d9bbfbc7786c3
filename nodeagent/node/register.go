package node

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Register makes the Node, or takes over the one that is there: its labels, annotations and our own taints are brought up to date, the
// rest of its spec is left alone.
func (b *Heartbeat) Register(ctx context.Context) error {
	b.runtime.updateRuntimeUp(ctx, b.Runtime, b.Clock)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if b.Unregistered {
		return b.await(ctx)
	}
	initial := b.initialNode()
	created := initial.DeepCopy()
	err := b.Client.Create(ctx, created)
	switch {
	case err == nil:
		b.set(created)
		b.tell(&corev1.NodeStatus{}, &created.Status)
		b.registered = b.Clock.Now()
		return nil
	case !apierrors.IsAlreadyExists(err):
		return fmt.Errorf("registering node %s: %w", b.Name, err)
	}
	found := &ocorev1.Node{}
	if err := b.Client.Get(ctx, client.ObjectKey{Name: b.Name}, found); err != nil {
		return fmt.Errorf("reading node %s: %w", b.Name, err)
	}
	updated := found.DeepCopy()
	updated.Labels, updated.Annotations = merged(found.Labels, initial.Labels), merged(found.Annotations, initial.Annotations)
	updated.Spec.Taints = b.taints(found.Spec.Taints)
	if updated.Spec.ProviderID == "" { // it cannot be changed
		updated.Spec.ProviderID = b.ProviderID
	}
	if updated.Spec.ProviderID != found.Spec.ProviderID || !maps.Equal(updated.Labels, found.Labels) || !maps.Equal(updated.Annotations, found.Annotations) ||
		!slices.Equal(updated.Spec.Taints, found.Spec.Taints) {
		// The lock is for the list of taints, which others change too.
		if err := b.Client.Patch(ctx, updated, client.MergeFromWithOptions(found, client.MergeFromWithOptimisticLock{})); err != nil {
			return fmt.Errorf("labelling node %s: %w", b.Name, err)
		}
	}
	b.set(updated)
	b.registered = b.Clock.Now()
	return nil
}

// await takes the Node that somebody else has made as it is. Until there is one, it asks for another look soon.
func (b *Heartbeat) await(ctx context.Context) error {
	found := &ocorev1.Node{}
	err := b.Client.Get(ctx, client.ObjectKey{Name: b.Name}, found)
	switch {
	case apierrors.IsNotFound(err):
		return errAgain
	case err != nil:
		return fmt.Errorf("reading node %s: %w", b.Name, err)
	}
	b.set(found)
	b.registered = b.Clock.Now()
	return nil
}

// merged is a map with all of another in it.
func merged(present, added map[string]string) map[string]string {
	all := maps.Clone(present)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, added)
	return all
}

// taints are those of a Node that is there, with our own as they are to be.
func (b *Heartbeat) taints(present []corev1.Taint) []corev1.Taint {
	own := func(t corev1.Taint) bool { return slices.Contains(b.OwnTaints, t.Key) }
	taints := slices.DeleteFunc(slices.Clone(present), func(t corev1.Taint) bool { return own(t) && !slices.Contains(b.Taints, t) })
	for _, t := range b.Taints {
		if own(t) && !slices.Contains(taints, t) {
			taints = append(taints, t)
		}
	}
	return taints
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
	node := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: b.Name, Labels: labels, Annotations: maps.Clone(b.Annotations)}}
	node.Spec.Taints, node.Spec.ProviderID = b.Taints, b.ProviderID
	node.Spec.PodCIDRs = b.PodCIDRs
	if len(b.PodCIDRs) > 0 {
		node.Spec.PodCIDR = b.PodCIDRs[0]
	}
	now := b.Clock.Now()
	node.Status = Status(b.observed(now), &node.Status, now)
	return node
}
