package pvreclaimer

import (
	"fmt"
	"strings"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	storagevolume "k8s.io/component-helpers/storage/volume"
)

// release says that the volume's claim is gone, and then does what the policy says. That it failed stays to be seen while it is tried
// again.
func release(p *plan.Plan, volume *ocorev1.PersistentVolume, w world, now time.Time) {
	if volume.Status.Phase != corev1.VolumeReleased && volume.Status.Phase != corev1.VolumeFailed {
		become(p, volume, corev1.VolumeReleased, now)
		return
	}
	policy := volume.Spec.PersistentVolumeReclaimPolicy
	switch driver := volume.Annotations[storagevolume.AnnMigratedTo]; {
	case driver != "":
		p.Because("its claim is gone, and it is for driver " + driver + " to reclaim it")
	case policy == corev1.PersistentVolumeReclaimRetain:
		p.Because("its claim is gone, and it is retained")
	case policy == corev1.PersistentVolumeReclaimDelete:
		remove(p, volume, now)
	case policy == corev1.PersistentVolumeReclaimRecycle:
		recycle(p, volume, w, now)
	default:
		fail(p, volume, reasonUnknownPolicy, "Volume has unrecognized PersistentVolumeReclaimPolicy", now)
	}
}

// remove leaves the volume to its provisioner, or says that it has none.
func remove(p *plan.Plan, volume *ocorev1.PersistentVolume, now time.Time) {
	if why := notRemoved(volume); why != "" {
		fail(p, volume, reasonFailedDelete, why, now)
		return
	}
	p.Because("its claim is gone, and its provisioner is to delete it")
}

// notRemoved is why nobody deletes a volume; empty if whoever provisioned it does. Volumes of CSI drivers have somebody, and those
// that say who provisioned them, unless that was a plugin of Kubernetes.
func notRemoved(volume *ocorev1.PersistentVolume) string {
	const (
		unable  = "no deletable volume plugin matched"
		unknown = "no volume plugin matched"
	)
	bySource := "error getting deleter volume plugin for volume %q: %s"
	switch by := volume.Annotations[storagevolume.AnnDynamicallyProvisioned]; {
	case by == "kubernetes.io/host-path" || by == "kubernetes.io/nfs":
		return unable
	case strings.HasPrefix(by, volumes.PluginPrefix):
		return unknown + " name: " + by
	case by != "" || volume.Spec.CSI != nil:
		return ""
	case volume.Spec.HostPath != nil || volume.Spec.NFS != nil:
		return fmt.Sprintf(bySource, volume.Name, unable)
	default:
		return fmt.Sprintf(bySource, volume.Name, unknown)
	}
}

// fail says why a volume is not reclaimed, when it comes to be so.
func fail(p *plan.Plan, volume *ocorev1.PersistentVolume, reason, message string, now time.Time) {
	if volume.Status.Phase == corev1.VolumeFailed {
		p.Because(message)
		return
	}
	p.Status(volume, volumes.InPhase(volume, corev1.VolumeFailed, message, now))
	p.Event(volume, plan.Warning, reason, "%s", message)
}
