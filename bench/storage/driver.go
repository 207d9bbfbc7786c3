package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"

	"github.com/orrery-dev/orrery/storage/local"
)

// driversOwn is how long the driver takes to make a volume, without anything around it: the median of some.
func driversOwn(ctx context.Context, rounds int) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "orrery-bench-")
	if err != nil {
		return 0, fmt.Errorf("making a directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is of no use to anybody
	d, err := local.New(local.Options{NodeID: "bench", Dir: dir})
	if err != nil {
		return 0, err
	}
	writer := &csi.VolumeCapability{
		AccessType: &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{}},
		AccessMode: &csi.VolumeCapability_AccessMode{Mode: csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER},
	}
	var took []time.Duration
	for i := range rounds {
		began := time.Now()
		if _, err := d.CreateVolume(ctx, &csi.CreateVolumeRequest{
			Name: fmt.Sprint("v", i), CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 20}, VolumeCapabilities: []*csi.VolumeCapability{writer},
		}); err != nil {
			return 0, fmt.Errorf("having the driver make a volume: %w", err)
		}
		took = append(took, time.Since(began))
	}
	return median(took), nil
}
