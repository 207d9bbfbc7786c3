package snapshotter

// The reasons of events, which kubectl and people know.
const (
	reasonFailed      = "SnapshotCreationFailed"
	reasonMissing     = "SnapshotContentCheckandUpdateFailed"
	reasonDeleteError = "SnapshotDeleteError"
)
