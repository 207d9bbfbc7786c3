package resizer

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// The reasons of events, which kubectl and people know.
const (
	reasonResizing   = "Resizing"
	reasonSucceeded  = "VolumeResizeSuccessful"
	reasonFailed     = "VolumeResizeFailed"
	reasonFileSystem = "FileSystemResizeRequired"
)

// Plan has the driver make the volume of a claim larger.
func (c Controller) Plan(claim *ocorev1.PersistentVolumeClaim, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if w.volume == nil {
		return p
	}
	size, onNode := sizeFor(claim, w.volume)
	if onNode {
		p.Because("the node agent is to make the file system larger")
		return p
	}
	p.Status(claim, inProgress(claim, size, now))
	p.Event(claim, plan.Normal, reasonResizing, "External resizer is resizing volume %s", w.volume.Name)
	p.Do(&expand{driver: c.Driver, claim: claim, volume: w.volume, size: size, why: fmt.Sprintf(
		"the claim requests %s and has %s", claim.Spec.Resources.Requests.Storage(), claim.Status.Capacity.Storage())})
	return p
}

// sizeFor is which size the driver is asked for; onNode says that it has done its part. What was asked for goes on, whatever the claim
// requests meanwhile, unless the driver has refused it for good.
func sizeFor(claim *ocorev1.PersistentVolumeClaim, volume *ocorev1.PersistentVolume) (size resource.Quantity, onNode bool) {
	wanted := *claim.Spec.Resources.Requests.Storage()
	asked, told := claim.Status.AllocatedResources[corev1.ResourceStorage]
	switch claim.Status.AllocatedResourceStatuses[corev1.ResourceStorage] {
	case corev1.PersistentVolumeClaimNodeResizePending, corev1.PersistentVolumeClaimNodeResizeInProgress:
		return asked, volume.Spec.Capacity.Storage().Cmp(asked) >= 0
	case corev1.PersistentVolumeClaimControllerResizeInProgress, corev1.PersistentVolumeClaimNodeResizeInfeasible:
		if told {
			return asked, false
		}
	}
	return wanted, false
}
