package metrics

// Stages of finding volumes for a pod, in VolumeStageErrors.
const (
	VolumesFound   = "predicate"
	VolumesAssumed = "assume"
	VolumesBound   = "bind"
)

// VolumeStageErrors counts what broke. That a node will not do for a pod's volumes is no error.
var VolumeStageErrors = counters("volume_scheduling_stage_error_total",
	"Volume scheduling stage error count", "operation")
