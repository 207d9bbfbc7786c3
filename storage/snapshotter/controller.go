package snapshotter

import (
	"context"
	"fmt"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/storage/driver"
)

// +kubebuilder:rbac:groups=snapshot.storage.k8s.io,resources=volumesnapshotcontents,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=snapshot.storage.k8s.io,resources=volumesnapshotcontents/status,verbs=patch
// +kubebuilder:rbac:groups=snapshot.storage.k8s.io,resources=volumesnapshotclasses,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=persistentvolumes,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for VolumeSnapshotContents.
type Controller struct{ *driver.Driver }

var _ loop.Controller[*snapshotv1.VolumeSnapshotContent, world] = Controller{}

// Loop is the controller with its watches.
func Loop(d *driver.Driver) loop.Loop {
	return loop.New("csi-snapshotter", Controller{d}, loop.RecordsAs("csi-snapshotter "+d.Name), loop.Watches(ofClass), loop.Watches(ofVolume))
}

// those names the contents for which is says so. There are few.
func those(ctx context.Context, read client.Reader, is func(*snapshotv1.VolumeSnapshotContent) bool) ([]client.ObjectKey, error) {
	var contents snapshotv1.VolumeSnapshotContentList
	if err := read.List(ctx, &contents, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing VolumeSnapshotContents: %w", err)
	}
	var keys []client.ObjectKey
	for i := range contents.Items {
		if content := &contents.Items[i]; is(content) {
			keys = append(keys, client.ObjectKeyFromObject(content))
		}
	}
	return keys, nil
}

// ofClass names the contents of a class.
func ofClass(ctx context.Context, read client.Reader, class *snapshotv1.VolumeSnapshotClass) ([]client.ObjectKey, error) {
	return those(ctx, read, func(content *snapshotv1.VolumeSnapshotContent) bool {
		name := content.Spec.VolumeSnapshotClassName
		return name != nil && *name == class.Name
	})
}

// ofVolume names the contents of snapshots of a volume.
func ofVolume(ctx context.Context, read client.Reader, volume *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	if volume.Spec.CSI == nil {
		return nil, nil
	}
	return those(ctx, read, func(content *snapshotv1.VolumeSnapshotContent) bool {
		handle := content.Spec.Source.VolumeHandle
		return content.Spec.Driver == volume.Spec.CSI.Driver && handle != nil && *handle == volume.Spec.CSI.VolumeHandle
	})
}
