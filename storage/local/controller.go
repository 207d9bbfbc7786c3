package local

import (
	"cmp"
	"context"
	"slices"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/orrery-dev/orrery/storage/local/store"
)

// defaultCapacity is how large a volume is of which nobody says how large.
const defaultCapacity = 1 << 30

// pathKey is the key of a volume's context that tells people where its data is.
const pathKey = Name + "/path"

// ControllerGetCapabilities says what the controller service has.
func (d *Driver) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	var told csi.ControllerGetCapabilitiesResponse
	for _, kind := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_LIST_VOLUMES,
		csi.ControllerServiceCapability_RPC_GET_CAPACITY,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
		csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		told.Capabilities = append(told.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: kind}},
		})
	}
	return &told, nil
}

// CreateVolume makes a volume.
func (d *Driver) CreateVolume(ctx context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if err := cmp.Or(missing("name", r.GetName()), capable(r.GetVolumeCapabilities()), noParameters(r.GetParameters())); err != nil {
		return nil, err
	}
	if !d.reaches(r.GetAccessibilityRequirements()) {
		return nil, status.Errorf(codes.ResourceExhausted, "volumes of this node are used on node %s alone", d.options.NodeID)
	}
	wanted := store.Wanted{
		Name:     r.GetName(),
		Capacity: r.GetCapacityRange().GetRequiredBytes(),
		Limit:    r.GetCapacityRange().GetLimitBytes(),
		Source: store.Source{
			Volume:   r.GetVolumeContentSource().GetVolume().GetVolumeId(),
			Snapshot: r.GetVolumeContentSource().GetSnapshot().GetSnapshotId(),
		},
	}
	if wanted.Capacity == 0 {
		wanted.Capacity = cmp.Or(min(wanted.Limit, defaultCapacity), defaultCapacity)
	}
	var made store.Volume
	err := d.operations.do(ctx, operation{id: volumeID(store.ID(r.GetName())), source: sourceID(wanted.Source)}, func(ctx context.Context) (err error) {
		made, err = d.store.Create(ctx, wanted)
		return err
	})
	if err != nil {
		return nil, answered(err)
	}
	return &csi.CreateVolumeResponse{Volume: d.told(made)}, nil
}

// sourceID is what a volume is to be a copy of, among operations; empty if of nothing.
func sourceID(of store.Source) string {
	switch {
	case of.Volume != "":
		return volumeID(of.Volume)
	case of.Snapshot != "":
		return snapshotID(of.Snapshot)
	default:
		return ""
	}
}

// reaches says that a volume of this node is of use where it is required.
func (d *Driver) reaches(required *csi.TopologyRequirement) bool {
	return len(required.GetRequisite()) == 0 || slices.ContainsFunc(required.GetRequisite(), d.isHere)
}

// isHere says that this node is in a segment of the topology.
func (d *Driver) isHere(segment *csi.Topology) bool {
	node, says := segment.GetSegments()[TopologyKey]
	return !says || node == d.options.NodeID
}

func (d *Driver) topology() *csi.Topology {
	return &csi.Topology{Segments: map[string]string{TopologyKey: d.options.NodeID}}
}

// told is a volume as the specification has it.
func (d *Driver) told(v store.Volume) *csi.Volume {
	told := &csi.Volume{
		VolumeId: v.ID, CapacityBytes: v.Capacity, AccessibleTopology: []*csi.Topology{d.topology()},
		VolumeContext: map[string]string{pathKey: d.store.Data(v.ID)},
	}
	switch {
	case v.Source.Volume != "":
		told.ContentSource = &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Volume{
			Volume: &csi.VolumeContentSource_VolumeSource{VolumeId: v.Source.Volume},
		}}
	case v.Source.Snapshot != "":
		told.ContentSource = &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Snapshot{
			Snapshot: &csi.VolumeContentSource_SnapshotSource{SnapshotId: v.Source.Snapshot},
		}}
	}
	return told
}

// DeleteVolume deletes a volume that nobody uses, and wipes it.
func (d *Driver) DeleteVolume(ctx context.Context, r *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	if err := missing("volume_id", r.GetVolumeId()); err != nil {
		return nil, err
	}
	err := d.operations.do(ctx, operation{id: volumeID(r.GetVolumeId()), deletes: true}, func(context.Context) error {
		if err := d.unused(r.GetVolumeId()); err != nil {
			return err
		}
		return d.store.Delete(r.GetVolumeId())
	})
	return &csi.DeleteVolumeResponse{}, answered(err)
}

// unused refuses what cannot be done with a volume that is mounted.
func (d *Driver) unused(id string) error {
	if _, err := d.store.Volume(id); err != nil {
		return nil //nolint:nilerr // one that is not there is not mounted
	}
	at, err := targetsOf(d.store.Data(id))
	if err != nil {
		return err
	}
	if len(at) > 0 {
		return status.Errorf(codes.FailedPrecondition, "volume %s is in use: it is mounted at %s", id, at[0])
	}
	return nil
}

// ControllerExpandVolume gives a volume a larger capacity. It is one at once: there is nothing to be done on the node.
func (d *Driver) ControllerExpandVolume(ctx context.Context, r *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	if err := missing("volume_id", r.GetVolumeId()); err != nil {
		return nil, err
	}
	wanted, most := r.GetCapacityRange().GetRequiredBytes(), r.GetCapacityRange().GetLimitBytes()
	if wanted <= 0 && most <= 0 {
		return nil, status.Error(codes.InvalidArgument, "capacity_range is missing")
	}
	if most > 0 && wanted > most {
		return nil, status.Errorf(codes.InvalidArgument, "capacity_range wants %d bytes and no more than %d", wanted, most)
	}
	var grown store.Volume
	err := d.operations.do(ctx, operation{id: volumeID(r.GetVolumeId())}, func(context.Context) (err error) {
		grown, err = d.store.Grow(r.GetVolumeId(), wanted)
		return err
	})
	if err != nil {
		return nil, answered(err)
	}
	if most > 0 && grown.Capacity > most {
		return nil, status.Errorf(codes.OutOfRange, "volume %s has %d bytes, and does not become smaller", grown.ID, grown.Capacity)
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: grown.Capacity}, nil
}

// ValidateVolumeCapabilities says whether a volume can be what is asked of it.
func (d *Driver) ValidateVolumeCapabilities(_ context.Context, r *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if err := missing("volume_id", r.GetVolumeId()); err != nil {
		return nil, err
	}
	if len(r.GetVolumeCapabilities()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "volume_capabilities are missing")
	}
	if _, err := d.store.Volume(r.GetVolumeId()); err != nil {
		return nil, answered(err)
	}
	if why := unfit(r.GetVolumeCapabilities()...); why != "" {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: why}, nil
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeContext: r.GetVolumeContext(), VolumeCapabilities: r.GetVolumeCapabilities(), Parameters: r.GetParameters(),
	}}, nil
}
