package volumes

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/volume"
	csitranslation "k8s.io/csi-translation-lib"
)

// PluginPrefix begins the names of all plugins that are or were part of Kubernetes.
const PluginPrefix = "kubernetes.io/"

// DriverFor is the CSI driver that has taken over from a plugin; empty where none has.
func DriverFor(plugin string) string {
	driver, err := csitranslation.New().GetCSINameFromInTreeName(plugin)
	if err != nil {
		return ""
	}
	return driver
}

// PluginOf is the plugin that a volume is of where a CSI driver has taken over from it; empty for any other volume.
func PluginOf(v *ocorev1.PersistentVolume) string {
	plugin, err := csitranslation.New().GetInTreePluginNameFromSpec((*corev1.PersistentVolume)(v), nil)
	if err != nil {
		return ""
	}
	return plugin
}

// SayMigrated makes annotations say which driver has taken over from a provisioner, and nothing of it where none has. Without a
// provisioner, which is empty, they are left alone.
func SayMigrated(annotations map[string]string, provisioner string) {
	if provisioner == "" {
		return
	}
	if driver := DriverFor(provisioner); driver != "" {
		annotations[volume.AnnMigratedTo] = driver
	} else {
		delete(annotations, volume.AnnMigratedTo)
	}
}
