package local

import (
	"context"
	"slices"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/orrery-dev/orrery/storage/local/store"
)

// CreateSnapshot takes a snapshot of a volume.
func (d *Driver) CreateSnapshot(ctx context.Context, r *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	if err := missing("name", r.GetName(), "source_volume_id", r.GetSourceVolumeId()); err != nil {
		return nil, err
	}
	if err := noParameters(r.GetParameters()); err != nil {
		return nil, err
	}
	var taken store.Snapshot
	err := d.operations.do(ctx, operation{id: snapshotID(store.ID(r.GetName())), source: volumeID(r.GetSourceVolumeId())}, func(ctx context.Context) (err error) {
		taken, err = d.store.Take(ctx, r.GetName(), r.GetSourceVolumeId())
		return err
	})
	if err != nil {
		return nil, answered(err)
	}
	return &csi.CreateSnapshotResponse{Snapshot: toldSnapshot(taken)}, nil
}

// DeleteSnapshot deletes a snapshot. What was made of it keeps its data.
func (d *Driver) DeleteSnapshot(ctx context.Context, r *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	if err := missing("snapshot_id", r.GetSnapshotId()); err != nil {
		return nil, err
	}
	err := d.operations.do(ctx, operation{id: snapshotID(r.GetSnapshotId()), deletes: true}, func(context.Context) error {
		return d.store.Drop(r.GetSnapshotId())
	})
	return &csi.DeleteSnapshotResponse{}, answered(err)
}

// ListSnapshots lists the snapshots of the node: all, that of an ID, or those of a volume.
func (d *Driver) ListSnapshots(_ context.Context, r *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	all, err := d.store.Snapshots()
	if err != nil {
		return nil, answered(err)
	}
	all = slices.DeleteFunc(all, func(s store.Snapshot) bool {
		return r.GetSnapshotId() != "" && s.ID != r.GetSnapshotId() || r.GetSourceVolumeId() != "" && s.Volume != r.GetSourceVolumeId()
	})
	part, next, err := page(all, func(s store.Snapshot) string { return s.ID }, r.GetStartingToken(), r.GetMaxEntries())
	if err != nil {
		return nil, err
	}
	told := &csi.ListSnapshotsResponse{NextToken: next}
	for _, s := range part {
		told.Entries = append(told.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: toldSnapshot(s)})
	}
	return told, nil
}

// toldSnapshot is a snapshot as the specification has it.
func toldSnapshot(s store.Snapshot) *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId: s.ID, SourceVolumeId: s.Volume, SizeBytes: s.Size, CreationTime: timestamppb.New(s.Created), ReadyToUse: true,
	}
}
