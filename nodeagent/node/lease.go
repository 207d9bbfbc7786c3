package node

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// leaseDuration is the kubelet's figure.
const leaseDuration = 40 * time.Second

// RenewLease says that the node is there. The node must have been registered.
func (b *Heartbeat) RenewLease(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	now := metav1.NewMicroTime(b.Clock.Now())
	if b.lease == nil {
		return b.ensureLease(ctx, now)
	}
	updated := b.lease.DeepCopy()
	updated.Spec.RenewTime = &now
	err := b.Client.Update(ctx, updated)
	switch {
	case apierrors.IsConflict(err) || apierrors.IsNotFound(err):
		b.lease = nil
		return b.ensureLease(ctx, now)
	case err != nil:
		return fmt.Errorf("renewing the lease of node %s: %w", b.Name, err)
	}
	b.lease = updated
	return nil
}

// ensureLease makes the lease or takes over the one that is there.
func (b *Heartbeat) ensureLease(ctx context.Context, now metav1.MicroTime) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: b.Name}}
	err := b.Client.Get(ctx, client.ObjectKeyFromObject(lease), lease)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the lease of node %s: %w", b.Name, err)
	}
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds = &b.Name, ptr.To(int32(b.Pace.lease().Seconds()))
	lease.Spec.RenewTime = &now
	owner, ownerErr := b.owner()
	if ownerErr != nil {
		return ownerErr
	}
	lease.OwnerReferences = []metav1.OwnerReference{owner}
	if apierrors.IsNotFound(err) {
		err = b.Client.Create(ctx, lease)
	} else {
		err = b.Client.Update(ctx, lease)
	}
	if err != nil {
		return fmt.Errorf("taking the lease of node %s: %w", b.Name, err)
	}
	b.lease = lease
	return nil
}

func (b *Heartbeat) owner() (metav1.OwnerReference, error) {
	node := b.known()
	gvk, err := apiutil.GVKForObject(node, b.Client.Scheme())
	if err != nil {
		return metav1.OwnerReference{}, fmt.Errorf("naming the kind of node %s: %w", b.Name, err)
	}
	return metav1.OwnerReference{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Name: b.Name, UID: node.UID}, nil
}
