package snapshotter

import (
	"context"
	"fmt"

	"github.com/container-storage-interface/spec/lib/go/csi"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

// world is what the snapshot of a content depends on.
type world struct {
	// class is the content's; nil if it has none, or there is none.
	class *snapshotv1.VolumeSnapshotClass
	// here says that the snapshot is at the driver's place, or is to be.
	here bool
	// found is what the driver has of a snapshot that people made; nil if it has none, or if missed says that it could not be asked.
	found  *csi.Snapshot
	missed error
}

// Observe reads what there is of a content, and asks the driver for the snapshot that people say it has.
func (c Controller) Observe(ctx context.Context, view loop.View, content *snapshotv1.VolumeSnapshotContent) (world, error) {
	var w world
	if !c.isOurs(content) {
		return w, nil
	}
	if name := content.Spec.VolumeSnapshotClassName; name != nil {
		class := &snapshotv1.VolumeSnapshotClass{}
		switch err := view.Get(ctx, client.ObjectKey{Name: *name}, class); {
		case client.IgnoreNotFound(err) != nil:
			return w, fmt.Errorf("reading VolumeSnapshotClass %s: %w", *name, err)
		case err == nil:
			w.class = class
		}
	}
	at, told := content.Labels[snapshotkinds.ManagedBy]
	w.here = told && at == c.Place.ID()
	if told && !w.here {
		return w, nil
	}
	if handle := content.Spec.Source.SnapshotHandle; handle != nil {
		if !w.here || !isReady(content) {
			w.found, w.missed = c.Find(ctx, *handle)
		}
		w.here = w.here || w.found != nil
		return w, nil
	}
	if !told {
		var err error
		w.here, err = c.held(ctx, view, content)
		return w, err
	}
	return w, nil
}

// isOurs says that a content is one of the driver, and of no group.
func (c Controller) isOurs(content *snapshotv1.VolumeSnapshotContent) bool {
	_, grouped := content.Annotations[snapshotkinds.GroupHandle]
	source := content.Spec.Source
	return content.Spec.Driver == c.Name && !grouped && (source.VolumeHandle == nil) != (source.SnapshotHandle == nil)
}

// held says that the volume of a content is one that the driver made at its place.
func (c Controller) held(ctx context.Context, view loop.View, content *snapshotv1.VolumeSnapshotContent) (bool, error) {
	var volumes ocorev1.PersistentVolumeList
	if err := view.List(ctx, &volumes, client.UnsafeDisableDeepCopy); err != nil {
		return false, fmt.Errorf("listing volumes: %w", err)
	}
	for i := range volumes.Items {
		v := &volumes.Items[i]
		if csi := v.Spec.CSI; csi != nil && csi.Driver == c.Name && csi.VolumeHandle == *content.Spec.Source.VolumeHandle {
			return c.Place.Holds((*corev1.PersistentVolume)(v)), nil
		}
	}
	return false, nil
}
