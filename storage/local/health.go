package local

import (
	"fmt"

	"github.com/container-storage-interface/spec/lib/go/csi"

	"github.com/orrery-dev/orrery/storage/local/store"
)

// reasonOverCapacity is why a volume is degraded that takes more than it was made for.
const reasonOverCapacity = "OverCapacity"

// health is what is wrong with a volume.
func health(v store.Volume, used store.Usage) []*csi.VolumeHealth_VolumeHealthEntry {
	if used.Bytes <= v.Capacity {
		return nil
	}
	return []*csi.VolumeHealth_VolumeHealthEntry{{
		Status: csi.VolumeHealthErrorType_DEGRADED,
		Reason: reasonOverCapacity,
		Message: fmt.Sprintf("the volume takes %d bytes, and was made for %d: the file system of its node has no project quotas, so that nobody keeps it from that",
			used.Bytes, v.Capacity),
	}}
}
