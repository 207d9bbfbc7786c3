package snapshotcontroller

import (
	"fmt"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"

	"github.com/orrery-dev/orrery/framework/plan"
)

// The reasons of events, which kubectl and people know.
const (
	reasonCreating      = "CreatingSnapshot"
	reasonNotCreated    = "CreateSnapshotContentFailed"
	reasonCreated       = "SnapshotCreated"
	reasonReady         = "SnapshotReady"
	reasonDeletePending = "SnapshotDeletePending"
	reasonContentFailed = "SnapshotContentCreationFailed"
	reasonClassFailed   = "GetSnapshotClassFailed"
	reasonDefaultFailed = "SetDefaultSnapshotClassFailed"
	reasonMissing       = "SnapshotContentMissing"
	reasonMismatch      = "SnapshotContentMismatch"
	reasonMisbound      = "SnapshotContentMisbound"
)

// creating says that the driver is asked for a snapshot.
func creating(s *snapshotv1.VolumeSnapshot) plan.Event {
	return plan.Event{Regarding: s, Reason: reasonCreating,
		Message: fmt.Sprintf("Waiting for a snapshot %s/%s to be created by the CSI driver.", s.Namespace, s.Name)}
}

// notCreated says that the content could not be made by which the driver is asked.
func notCreated(s *snapshotv1.VolumeSnapshot, err error) plan.Event {
	return plan.Event{Regarding: s, Type: plan.Warning, Reason: reasonNotCreated,
		Message: fmt.Sprintf("Error creating volume snapshot content object for snapshot %s/%s: %v.", s.Namespace, s.Name, err)}
}
