package snapshotcontroller

import (
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/storage/driver"
)

// +kubebuilder:rbac:groups=snapshot.storage.k8s.io,resources=volumesnapshots,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=snapshot.storage.k8s.io,resources=volumesnapshots/status,verbs=patch
// +kubebuilder:rbac:groups=snapshot.storage.k8s.io,resources=volumesnapshotcontents,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=snapshot.storage.k8s.io,resources=volumesnapshotclasses,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=persistentvolumes,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for VolumeSnapshots.
type Controller struct{ *driver.Driver }

var _ loop.Controller[*snapshotv1.VolumeSnapshot, world] = Controller{}

// Loop is the controller with its watches.
func Loop(d *driver.Driver) loop.Loop {
	return loop.New("snapshot-controller", Controller{d},
		loop.Watches(siblings), loop.Watches(ofContent), loop.Watches(ofClass), loop.Watches(ofClaim), loop.Watches(ofVolume))
}
