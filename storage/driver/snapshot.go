package driver

import (
	"context"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TakesSnapshots says that the driver can take snapshots of volumes, and delete them.
func (d *Driver) TakesSnapshots() bool {
	return d.Can[csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT]
}

// Take takes a snapshot of a volume, in the time that a call may take.
func (d *Driver) Take(ctx context.Context, r *csi.CreateSnapshotRequest) (*csi.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	taken, err := d.Controller.CreateSnapshot(ctx, r)
	return taken.GetSnapshot(), err
}

// Drop deletes a snapshot, in the time that a call may take.
func (d *Driver) Drop(ctx context.Context, handle string) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := d.Controller.DeleteSnapshot(ctx, &csi.DeleteSnapshotRequest{SnapshotId: handle})
	return err
}

// Find finds a snapshot, in the time that a call may take; nil if the driver has none of that handle. One that lists none is taken to
// have any, ready to be used, as external-snapshotter has it.
func (d *Driver) Find(ctx context.Context, handle string) (*csi.Snapshot, error) {
	if !d.Can[csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS] {
		return &csi.Snapshot{SnapshotId: handle, ReadyToUse: true}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	found, err := d.Controller.ListSnapshots(ctx, &csi.ListSnapshotsRequest{SnapshotId: handle})
	if err != nil || len(found.GetEntries()) == 0 {
		return nil, err
	}
	return found.GetEntries()[0].GetSnapshot(), nil
}

// IsFinal says that what a driver was asked to make is not being made: it has refused, rather than not answered yet. After any other
// error it may be at it still.
func IsFinal(err error) bool {
	answer, told := status.FromError(err)
	if !told {
		return false
	}
	switch answer.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.ResourceExhausted, codes.Aborted:
		return false
	default:
		return true
	}
}
