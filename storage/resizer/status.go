package resizer

import (
	"maps"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inProgress is a claim of which the driver is asked for a size.
func inProgress(claim *ocorev1.PersistentVolumeClaim, size resource.Quantity, now time.Time) *ocorev1.PersistentVolumeClaim {
	asked := claim.DeepCopy()
	if asked.Status.AllocatedResources == nil {
		asked.Status.AllocatedResources = corev1.ResourceList{}
	}
	asked.Status.AllocatedResources[corev1.ResourceStorage] = size
	become(asked, corev1.PersistentVolumeClaimControllerResizeInProgress)
	condition(asked, corev1.PersistentVolumeClaimResizing, "", now)
	return asked
}

// pendingOnNode is a claim whose node agent is to go on.
func pendingOnNode(claim *ocorev1.PersistentVolumeClaim, now time.Time) *ocorev1.PersistentVolumeClaim {
	pending := claim.DeepCopy()
	become(pending, corev1.PersistentVolumeClaimNodeResizePending)
	condition(pending, corev1.PersistentVolumeClaimFileSystemResizePending,
		"Waiting for user to (re-)start a pod to finish file system resize of volume on node.", now)
	return pending
}

// finished is a claim that has its new size.
func finished(claim *ocorev1.PersistentVolumeClaim, size resource.Quantity) *ocorev1.PersistentVolumeClaim {
	done := claim.DeepCopy()
	done.Status.Capacity = maps.Clone(done.Status.Capacity)
	if done.Status.Capacity == nil {
		done.Status.Capacity = corev1.ResourceList{}
	}
	done.Status.Capacity[corev1.ResourceStorage] = size
	delete(done.Status.AllocatedResourceStatuses, corev1.ResourceStorage)
	if len(done.Status.AllocatedResourceStatuses) == 0 {
		done.Status.AllocatedResourceStatuses = nil
	}
	done.Status.Conditions = slices.DeleteFunc(done.Status.Conditions, isOfResizing)
	return done
}

// refused is a claim whose size the driver has refused for good.
func refused(claim *ocorev1.PersistentVolumeClaim, message string, now time.Time) *ocorev1.PersistentVolumeClaim {
	failed := claim.DeepCopy()
	become(failed, corev1.PersistentVolumeClaimControllerResizeInfeasible)
	condition(failed, corev1.PersistentVolumeClaimControllerResizeError, message, now)
	return failed
}

func become(claim *ocorev1.PersistentVolumeClaim, status corev1.ClaimResourceStatus) {
	if claim.Status.AllocatedResourceStatuses == nil {
		claim.Status.AllocatedResourceStatuses = map[corev1.ResourceName]corev1.ClaimResourceStatus{}
	}
	claim.Status.AllocatedResourceStatuses[corev1.ResourceStorage] = status
}

// condition makes a condition the only one of those about resizing, since now unless it was there before.
func condition(claim *ocorev1.PersistentVolumeClaim, kind corev1.PersistentVolumeClaimConditionType, message string, now time.Time) {
	since := metav1.NewTime(now)
	for _, c := range claim.Status.Conditions {
		if c.Type == kind && c.Status == corev1.ConditionTrue {
			since = c.LastTransitionTime
		}
	}
	others := slices.DeleteFunc(slices.Clone(claim.Status.Conditions), isOfResizing)
	claim.Status.Conditions = append(others, corev1.PersistentVolumeClaimCondition{
		Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: since, Message: message,
	})
}

func isOfResizing(c corev1.PersistentVolumeClaimCondition) bool {
	switch c.Type {
	case corev1.PersistentVolumeClaimResizing, corev1.PersistentVolumeClaimFileSystemResizePending,
		corev1.PersistentVolumeClaimControllerResizeError, corev1.PersistentVolumeClaimNodeResizeError:
		return true
	default:
		return false
	}
}
