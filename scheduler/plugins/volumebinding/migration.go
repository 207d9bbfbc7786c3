package volumebinding

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	csitranslation "k8s.io/csi-translation-lib"
	csiplugins "k8s.io/csi-translation-lib/plugins"
	"k8s.io/klog/v2"
)

// migrated are the plugins that used to be part of Kubernetes and whose volumes CSI drivers serve now.
var migrated = []string{
	csiplugins.AWSEBSInTreePluginName,
	csiplugins.AzureDiskInTreePluginName,
	csiplugins.CinderInTreePluginName,
	csiplugins.GCEPDInTreePluginName,
	csiplugins.PortworxVolumePluginName,
}

// servedVolume is a volume with how it looks to a node where a CSI driver serves it in place of the old plugin.
type servedVolume struct {
	*corev1.PersistentVolume
	plugin     string // "": the volume is the same everywhere
	translated *corev1.PersistentVolume
	err        error // why translated is nil
}

func serve(volume *corev1.PersistentVolume) servedVolume {
	served := servedVolume{PersistentVolume: volume}
	translator := csitranslation.New()
	if volume.Spec.CSI != nil || !translator.IsPVMigratable(volume) {
		return served
	}
	plugin, err := translator.GetInTreePluginNameFromSpec(volume, nil)
	if err != nil || !slices.Contains(migrated, plugin) {
		return served
	}
	served.plugin = plugin
	if served.translated, err = translator.TranslateInTreePVToCSI(klog.Background(), volume); err != nil {
		served.err = fmt.Errorf("translating volume %s to CSI: %w", volume.Name, err)
	}
	return served
}

// on returns the volume as it looks to the node. A node without a CSINode has migrated nothing.
func (v servedVolume) on(csiNode *storagev1.CSINode) (*corev1.PersistentVolume, error) {
	if v.plugin == "" || csiNode == nil {
		return v.PersistentVolume, nil
	}
	plugins := csiNode.Annotations[corev1.MigratedPluginsAnnotationKey]
	if !slices.Contains(strings.Split(plugins, ","), v.plugin) {
		return v.PersistentVolume, nil
	}
	return v.translated, v.err
}
