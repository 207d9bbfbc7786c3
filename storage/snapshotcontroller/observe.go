package snapshotcontroller

import (
	"context"
	"fmt"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

// world is what becomes of a snapshot depends on.
type world struct {
	// class is the one that the snapshot names; nil if it names none, or there is none.
	class *snapshotv1.VolumeSnapshotClass
	// defaults are the default classes of the volume's driver.
	defaults []string
	// claim is the one that the snapshot is of, and volume that claim's, each of which names the other; nil if there is none.
	claim  *ocorev1.PersistentVolumeClaim
	volume *ocorev1.PersistentVolume
	// content is the one that the snapshot has, or is to have; nil if there is none.
	content *snapshotv1.VolumeSnapshotContent
	// others says that other snapshots are being taken of the claim, which will let it go. One that nothing holds yet may be gone before
	// any pass, and of two that are being deleted each would leave it to the other.
	others bool
	// restored is a claim that is being made of the snapshot; empty if there is none.
	restored string
}

// Observe reads what there is of a snapshot.
func (c Controller) Observe(ctx context.Context, view loop.View, s *snapshotv1.VolumeSnapshot) (world, error) {
	var w world
	for _, part := range []func(context.Context, loop.View, *snapshotv1.VolumeSnapshot) error{w.readSource, w.readClasses, w.readContent, w.readUses} {
		if err := part(ctx, view, s); err != nil {
			return world{}, err
		}
	}
	return w, nil
}

// readSource reads the claim that the snapshot is of, and its volume.
func (w *world) readSource(ctx context.Context, view loop.View, s *snapshotv1.VolumeSnapshot) error {
	if claimName(s) == "" {
		return nil
	}
	claim, err := read[ocorev1.PersistentVolumeClaim](ctx, view, client.ObjectKey{Namespace: s.Namespace, Name: claimName(s)})
	if err != nil || claim == nil {
		return err
	}
	w.claim = claim
	if claim.Status.Phase != corev1.ClaimBound {
		return nil
	}
	volume, err := read[ocorev1.PersistentVolume](ctx, view, client.ObjectKey{Name: claim.Spec.VolumeName})
	if err == nil && volume != nil && isOf(volume, claim) {
		w.volume = volume
	}
	return err
}

// isOf says that a volume names a claim.
func isOf(volume *ocorev1.PersistentVolume, claim *ocorev1.PersistentVolumeClaim) bool {
	ref := volume.Spec.ClaimRef
	return ref != nil && ref.Namespace == claim.Namespace && ref.Name == claim.Name && (ref.UID == "" || ref.UID == claim.UID)
}

// readClasses reads the class of the snapshot, or those that it may get.
func (w *world) readClasses(ctx context.Context, view loop.View, s *snapshotv1.VolumeSnapshot) error {
	if name := s.Spec.VolumeSnapshotClassName; name != nil {
		class, err := read[snapshotv1.VolumeSnapshotClass](ctx, view, client.ObjectKey{Name: *name})
		w.class = class
		return err
	}
	if w.volume == nil || w.volume.Spec.CSI == nil {
		return nil
	}
	var classes snapshotv1.VolumeSnapshotClassList
	if err := view.List(ctx, &classes); err != nil {
		return fmt.Errorf("listing VolumeSnapshotClasses: %w", err)
	}
	for i := range classes.Items {
		class := &classes.Items[i]
		if class.Annotations[snapshotkinds.DefaultClass] == "true" && class.Driver == w.volume.Spec.CSI.Driver {
			w.defaults = append(w.defaults, class.Name)
		}
	}
	return nil
}

// readContent reads the content of the snapshot. Whether one is lost that was there, the API server itself is asked.
func (w *world) readContent(ctx context.Context, view loop.View, s *snapshotv1.VolumeSnapshot) (err error) {
	key := client.ObjectKey{Name: contentName(s)}
	w.content, err = read[snapshotv1.VolumeSnapshotContent](ctx, view, key)
	if w.content == nil && err == nil && isBound(s) {
		w.content, err = read[snapshotv1.VolumeSnapshotContent](ctx, view.Live(), key)
	}
	return err
}

// readUses reads what else concerns the claim of the snapshot, and the snapshot itself.
func (w *world) readUses(ctx context.Context, view loop.View, s *snapshotv1.VolumeSnapshot) error {
	var snapshots snapshotv1.VolumeSnapshotList
	if err := view.List(ctx, &snapshots, client.InNamespace(s.Namespace)); err != nil {
		return fmt.Errorf("listing the VolumeSnapshots of namespace %s: %w", s.Namespace, err)
	}
	for i := range snapshots.Items {
		other := &snapshots.Items[i]
		taken := isHeld(other) && other.DeletionTimestamp == nil && !snapshotkinds.IsReady(other)
		if other.Name != s.Name && claimName(other) != "" && claimName(other) == claimName(s) && taken {
			w.others = true
		}
	}
	if s.DeletionTimestamp == nil {
		return nil
	}
	var claims ocorev1.PersistentVolumeClaimList
	if err := view.List(ctx, &claims, client.InNamespace(s.Namespace)); err != nil {
		return fmt.Errorf("listing the claims of namespace %s: %w", s.Namespace, err)
	}
	for i := range claims.Items {
		if claim := &claims.Items[i]; isMadeOf(claim, s) && claim.Status.Phase == corev1.ClaimPending {
			w.restored = claim.Name
		}
	}
	return nil
}

// isMadeOf says that a claim is to be a copy of a snapshot.
func isMadeOf(claim *ocorev1.PersistentVolumeClaim, s *snapshotv1.VolumeSnapshot) bool {
	of := claim.Spec.DataSource
	return of != nil && of.Kind == "VolumeSnapshot" && of.APIGroup != nil && *of.APIGroup == snapshotv1.GroupName && of.Name == s.Name
}

// read reads an object; nil if there is none.
func read[T any, P interface {
	*T
	client.Object
}](ctx context.Context, from client.Reader, key client.ObjectKey) (P, error) {
	object := P(new(T))
	switch err := from.Get(ctx, key, object); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %T %s: %w", object, key, err)
	}
	return object, nil
}

// claimName is the claim that a snapshot is of; empty if people made its content.
func claimName(s *snapshotv1.VolumeSnapshot) string {
	if name := s.Spec.Source.PersistentVolumeClaimName; name != nil {
		return *name
	}
	return ""
}

// contentName is the content that a snapshot has, or is to have.
func contentName(s *snapshotv1.VolumeSnapshot) string {
	switch {
	case isBound(s):
		return *s.Status.BoundVolumeSnapshotContentName
	case s.Spec.Source.VolumeSnapshotContentName != nil:
		return *s.Spec.Source.VolumeSnapshotContentName
	default:
		return snapshotkinds.ContentName(s)
	}
}

// isBound says that a snapshot has had a content.
func isBound(s *snapshotv1.VolumeSnapshot) bool {
	return s.Status != nil && s.Status.BoundVolumeSnapshotContentName != nil && *s.Status.BoundVolumeSnapshotContentName != ""
}
