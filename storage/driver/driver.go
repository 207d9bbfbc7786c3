package driver

import (
	"context"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
)

// Timeout is how long a call to a driver may take, as external-provisioner has it. A driver goes on with what takes longer, and is asked
// again.
const Timeout = 15 * time.Second

// Finalizer keeps an object until the driver has deleted the volume that it tells of.
const Finalizer = "external-provisioner.volume.kubernetes.io/finalizer"

// Driver is a CSI driver.
type Driver struct {
	// Name is what classes and volumes know it by.
	Name string
	// Controller is its controller service.
	Controller Controller
	// Can are the optional parts of that service that it has.
	Can map[csi.ControllerServiceCapability_RPC_Type]bool
	// Place says which nodes it makes volumes for.
	Place Place
}

// Controller is what the loops call of a controller service; a csi.ControllerClient is one.
type Controller interface {
	CreateVolume(ctx context.Context, r *csi.CreateVolumeRequest, o ...grpc.CallOption) (*csi.CreateVolumeResponse, error)
	DeleteVolume(ctx context.Context, r *csi.DeleteVolumeRequest, o ...grpc.CallOption) (*csi.DeleteVolumeResponse, error)
	ControllerExpandVolume(ctx context.Context, r *csi.ControllerExpandVolumeRequest, o ...grpc.CallOption) (*csi.ControllerExpandVolumeResponse, error)
	GetCapacity(ctx context.Context, r *csi.GetCapacityRequest, o ...grpc.CallOption) (*csi.GetCapacityResponse, error)
	CreateSnapshot(ctx context.Context, r *csi.CreateSnapshotRequest, o ...grpc.CallOption) (*csi.CreateSnapshotResponse, error)
	DeleteSnapshot(ctx context.Context, r *csi.DeleteSnapshotRequest, o ...grpc.CallOption) (*csi.DeleteSnapshotResponse, error)
	ListSnapshots(ctx context.Context, r *csi.ListSnapshotsRequest, o ...grpc.CallOption) (*csi.ListSnapshotsResponse, error)
}

// Create makes a volume, in the time that a call may take.
func (d *Driver) Create(ctx context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return d.Controller.CreateVolume(ctx, r)
}

// Delete deletes a volume, in the time that a call may take.
func (d *Driver) Delete(ctx context.Context, handle string) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := d.Controller.DeleteVolume(ctx, &csi.DeleteVolumeRequest{VolumeId: handle})
	return err
}

// Expand makes a volume larger, in the time that a call may take.
func (d *Driver) Expand(ctx context.Context, r *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return d.Controller.ControllerExpandVolume(ctx, r)
}

// Capacity asks how large a volume can be made by the parameters of a class, in the time that a call may take.
func (d *Driver) Capacity(ctx context.Context, parameters map[string]string) (*csi.GetCapacityResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	r := &csi.GetCapacityRequest{Parameters: parameters}
	if segments := d.Place.Topology(); len(segments) > 0 {
		r.AccessibleTopology = &csi.Topology{Segments: segments}
	}
	return d.Controller.GetCapacity(ctx, r)
}
