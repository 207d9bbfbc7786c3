package simulated

import (
	"context"
	"sync"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/storage/driver"
)

// Controller makes volumes of nothing.
type Controller struct {
	// Space is how many bytes there are for all volumes; 0 means any number.
	Space int64
	// Clock says how long a failure has been rehearsed; nil means the time of the machine.
	Clock clock.PassiveClock

	mu        sync.Mutex
	asked     map[string]time.Time // when each was asked for first whose failure is rehearsed for a time
	volumes   map[string]*csi.Volume
	snapshots map[string]*csi.Snapshot
}

var _ driver.Controller = (*Controller)(nil)

// Volumes are the names of all volumes that there are, with their capacities.
func (c *Controller) Volumes() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]int64{}
	for name, v := range c.volumes {
		all[name] = v.GetCapacityBytes()
	}
	return all
}

// Reset forgets all volumes and snapshots.
func (c *Controller) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.volumes, c.snapshots = nil, nil
}

// free is how many bytes there are left, and whether anybody counts.
func (c *Controller) free() (bytes int64, counted bool) {
	bytes = c.Space
	for _, v := range c.volumes {
		bytes -= v.GetCapacityBytes()
	}
	return bytes, c.Space > 0
}

// CreateVolume makes a volume that is of use where it is required.
func (c *Controller) CreateVolume(ctx context.Context, r *csi.CreateVolumeRequest, _ ...grpc.CallOption) (*csi.CreateVolumeResponse, error) {
	if err := c.rehearsed(ctx, r.GetName(), r.GetParameters()); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := r.GetCapacityRange().GetRequiredBytes()
	if v, there := c.volumes[r.GetName()]; there {
		if v.GetCapacityBytes() < wanted {
			return nil, status.Errorf(codes.AlreadyExists, "volume %s has %d bytes", r.GetName(), v.GetCapacityBytes())
		}
		return &csi.CreateVolumeResponse{Volume: v}, nil
	}
	if free, counted := c.free(); counted && wanted > free {
		return nil, status.Errorf(codes.ResourceExhausted, "volume %s wants %d bytes, and %d are free", r.GetName(), wanted, free)
	}
	if c.volumes == nil {
		c.volumes = map[string]*csi.Volume{}
	}
	c.volumes[r.GetName()] = &csi.Volume{
		VolumeId: r.GetName(), CapacityBytes: wanted, ContentSource: r.GetVolumeContentSource(),
		AccessibleTopology: r.GetAccessibilityRequirements().GetPreferred(),
	}
	return &csi.CreateVolumeResponse{Volume: c.volumes[r.GetName()]}, nil
}

// DeleteVolume deletes a volume.
func (c *Controller) DeleteVolume(_ context.Context, r *csi.DeleteVolumeRequest, _ ...grpc.CallOption) (*csi.DeleteVolumeResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.volumes, r.GetVolumeId())
	return &csi.DeleteVolumeResponse{}, nil
}

// ControllerExpandVolume makes a volume larger. One that it does not know was made before a restart.
func (c *Controller) ControllerExpandVolume(_ context.Context, r *csi.ControllerExpandVolumeRequest, _ ...grpc.CallOption) (*csi.ControllerExpandVolumeResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted, v := r.GetCapacityRange().GetRequiredBytes(), c.volumes[r.GetVolumeId()]
	if free, counted := c.free(); counted && wanted-v.GetCapacityBytes() > free {
		return nil, status.Errorf(codes.ResourceExhausted, "volume %s wants %d bytes, and %d are free", r.GetVolumeId(), wanted, free)
	}
	if v != nil {
		v.CapacityBytes = max(v.CapacityBytes, wanted)
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: wanted}, nil
}

// plenty is how much there is where nobody counts.
const plenty = 1 << 50

// GetCapacity says how much there is left.
func (c *Controller) GetCapacity(context.Context, *csi.GetCapacityRequest, ...grpc.CallOption) (*csi.GetCapacityResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	free, counted := c.free()
	if !counted {
		free = plenty
	}
	return &csi.GetCapacityResponse{AvailableCapacity: max(0, free)}, nil
}

// Driver is a driver of a name that makes volumes in memory for the nodes of a place. It can copy volumes, as there is nothing to copy.
func (c *Controller) Driver(name string, place driver.Place) *driver.Driver {
	return &driver.Driver{Name: name, Controller: c, Place: place, Can: map[csi.ControllerServiceCapability_RPC_Type]bool{
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME:             true,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT:   true,
		csi.ControllerServiceCapability_RPC_EXPAND_VOLUME:            true,
		csi.ControllerServiceCapability_RPC_GET_CAPACITY:             true,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS:           true,
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER: true,
	}}
}
