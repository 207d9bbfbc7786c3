package provisioner

import (
	"context"
	"errors"
	"fmt"

	"github.com/container-storage-interface/spec/lib/go/csi"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

// restore is a snapshot as a source. Snapshots are asked the API server about: no cache holds kinds that may not be there.
func (c Controller) restore(ctx context.Context, live client.Reader, claim *ocorev1.PersistentVolumeClaim, class *ostoragev1.StorageClass, name string) (source *csi.VolumeContentSource, refused, err error) {
	if !c.TakesSnapshots() {
		return nil, errors.New("CSI driver does not support snapshot restore: plugin capability not found"), nil
	}
	taken := &snapshotv1.VolumeSnapshot{}
	switch err := live.Get(ctx, client.ObjectKey{Namespace: claim.Namespace, Name: name}, taken); {
	case isAbsent(err):
		return nil, fmt.Errorf("error getting snapshot %s from api server: %w", name, err), nil
	case err != nil:
		return nil, nil, fmt.Errorf("reading VolumeSnapshot %s/%s: %w", claim.Namespace, name, err)
	case taken.DeletionTimestamp != nil:
		return nil, fmt.Errorf("snapshot %s is currently being deleted", name), nil
	case taken.Status == nil || taken.Status.BoundVolumeSnapshotContentName == nil:
		return nil, notBound(name), nil
	}
	of := &snapshotv1.VolumeSnapshotContent{}
	switch err := live.Get(ctx, client.ObjectKey{Name: *taken.Status.BoundVolumeSnapshotContentName}, of); {
	case isAbsent(err):
		return nil, notBound(name), nil
	case err != nil:
		return nil, nil, fmt.Errorf("reading VolumeSnapshotContent %s: %w", *taken.Status.BoundVolumeSnapshotContentName, err)
	case !snapshotkinds.PointsBack(of, taken) || of.Spec.Driver != class.Provisioner:
		return nil, notBound(name), nil
	}
	if refused := c.notRestored(taken, of, claim); refused != nil {
		return nil, refused, nil
	}
	return &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Snapshot{
		Snapshot: &csi.VolumeContentSource_SnapshotSource{SnapshotId: *of.Status.SnapshotHandle},
	}}, nil, nil
}

func notBound(name string) error { return fmt.Errorf("snapshot %s not bound", name) }

// notRestored is why a claim cannot be a copy of a snapshot that is bound; nil if it can.
func (c Controller) notRestored(taken *snapshotv1.VolumeSnapshot, of *snapshotv1.VolumeSnapshotContent, claim *ocorev1.PersistentVolumeClaim) error {
	wanted, at := claim.Spec.Resources.Requests.Storage(), of.Labels[snapshotkinds.ManagedBy]
	switch size := taken.Status.RestoreSize; {
	case !snapshotkinds.IsReady(taken):
		return fmt.Errorf("snapshot %s is not Ready", taken.Name)
	case of.Status == nil || of.Status.SnapshotHandle == nil:
		return fmt.Errorf("snapshot handle %s is not available", taken.Name)
	case size != nil && wanted.Cmp(*size) < 0:
		return fmt.Errorf("requested volume size %d is less than the size %d for the source snapshot %s", wanted.Value(), size.Value(), taken.Name)
	case at != "" && at != c.Place.ID():
		return &elsewhere{"snapshot " + taken.Name, at, c.Place.ID()}
	default:
		return nil
	}
}
