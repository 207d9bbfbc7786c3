package pvreclaimer

import (
	"slices"
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	storagevolume "k8s.io/component-helpers/storage/volume"
)

// sayProvisioned makes a volume that was provisioned say whether a driver has taken over from its plugin, and keeps it, by a finalizer,
// until the plugin has deleted what is behind it.
func sayProvisioned(p *plan.Plan, volume *ocorev1.PersistentVolume) {
	by := volume.Annotations[storagevolume.AnnDynamicallyProvisioned]
	said := volume.DeepCopy()
	volumes.SayMigrated(said.Annotations, by)
	said.Finalizers = finalizers(said, by)
	p.Patch("so it is with its provisioner, "+by, volume, said)
}

// finalizers are those of a volume that a provisioner made; without one they are as they are. A volume that a driver deletes has its
// finalizer, which it sees to itself, and one of a plugin has that of plugins, and neither has the other's.
func finalizers(volume *ocorev1.PersistentVolume, by string) []string {
	const (
		ofPlugins = storagevolume.PVDeletionInTreeProtectionFinalizer
		ofDrivers = storagevolume.PVDeletionProtectionFinalizer
	)
	switch {
	case !strings.HasPrefix(by, volumes.PluginPrefix):
		return volume.Finalizers
	case volumes.DriverFor(by) != "":
		return without(volume.Finalizers, ofPlugins)
	}
	have := without(volume.Finalizers, ofDrivers)
	switch volume.Spec.PersistentVolumeReclaimPolicy {
	case corev1.PersistentVolumeReclaimDelete:
		if volume.DeletionTimestamp == nil && !slices.Contains(have, ofPlugins) { // one that is being deleted gets no more
			have = append(have, ofPlugins)
		}
	case corev1.PersistentVolumeReclaimRetain, corev1.PersistentVolumeReclaimRecycle:
		have = without(have, ofPlugins)
	}
	return have
}

func without(finalizers []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(finalizers), func(finalizer string) bool { return finalizer == one })
}
