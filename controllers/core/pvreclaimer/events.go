package pvreclaimer

// The reasons of events, which kubectl and people know.
const (
	reasonMismatch      = "VolumeMismatch"
	reasonFailedDelete  = "VolumeFailedDelete"
	reasonFailedRecycle = "VolumeFailedRecycle"
	reasonRecycled      = "VolumeRecycled"
	reasonUnknownPolicy = "VolumeUnknownReclaimPolicy"
)
