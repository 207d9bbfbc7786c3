package snapshotcontroller

import (
	"context"
	"fmt"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// those names the snapshots of a namespace, or of all, for which is says so. There are few.
func those(ctx context.Context, read client.Reader, namespace string, is func(*snapshotv1.VolumeSnapshot) bool) ([]client.ObjectKey, error) {
	var snapshots snapshotv1.VolumeSnapshotList
	if err := read.List(ctx, &snapshots, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing VolumeSnapshots: %w", err)
	}
	var keys []client.ObjectKey
	for i := range snapshots.Items {
		if s := &snapshots.Items[i]; is(s) {
			keys = append(keys, client.ObjectKeyFromObject(s))
		}
	}
	return keys, nil
}

// siblings names the snapshots of the claim that a snapshot is of: the claim is kept for all of them.
func siblings(ctx context.Context, read client.Reader, one *snapshotv1.VolumeSnapshot) ([]client.ObjectKey, error) {
	claim := claimName(one)
	if claim == "" {
		return nil, nil
	}
	return those(ctx, read, one.Namespace, func(s *snapshotv1.VolumeSnapshot) bool { return claimName(s) == claim })
}

// ofContent names the snapshot that a content names, and those that name the content.
func ofContent(ctx context.Context, read client.Reader, content *snapshotv1.VolumeSnapshotContent) ([]client.ObjectKey, error) {
	ref := content.Spec.VolumeSnapshotRef
	return those(ctx, read, "", func(s *snapshotv1.VolumeSnapshot) bool {
		return s.Namespace == ref.Namespace && s.Name == ref.Name || contentName(s) == content.Name
	})
}

// ofClass names the snapshots of a class, and those that have none yet.
func ofClass(ctx context.Context, read client.Reader, class *snapshotv1.VolumeSnapshotClass) ([]client.ObjectKey, error) {
	return those(ctx, read, "", func(s *snapshotv1.VolumeSnapshot) bool {
		name := s.Spec.VolumeSnapshotClassName
		return name == nil || *name == class.Name
	})
}

// ofClaim names the snapshots that are of a claim, or that it is made of.
func ofClaim(ctx context.Context, read client.Reader, claim *ocorev1.PersistentVolumeClaim) ([]client.ObjectKey, error) {
	return those(ctx, read, claim.Namespace, func(s *snapshotv1.VolumeSnapshot) bool {
		return claimName(s) == claim.Name || isMadeOf(claim, s)
	})
}

// ofVolume names the snapshots of the claim of a volume.
func ofVolume(ctx context.Context, read client.Reader, volume *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	ref := volume.Spec.ClaimRef
	if ref == nil {
		return nil, nil
	}
	return those(ctx, read, ref.Namespace, func(s *snapshotv1.VolumeSnapshot) bool { return claimName(s) == ref.Name })
}
