package volumes

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// Where volumes of CSI drivers are is the kubelet's layout: some drivers read it.
const (
	podsDir = "pods"
	// ofPod is below a pod's directory; each volume has a directory there, with its record, and where it is mounted.
	ofPod     = "volumes/kubernetes.io~csi"
	mountDir  = "mount"
	ofDevices = "volumeDevices"
)

func (c *CSI) global() string { return filepath.Join(c.Root, "plugins", csi.PluginName) }

// stagingPath is where a volume is staged, once for all pods.
func (c *CSI) stagingPath(v *record) string {
	if v.block() {
		return filepath.Join(c.global(), ofDevices, "staging", v.Name)
	}
	return filepath.Join(c.global(), v.Driver, fmt.Sprintf("%x", sha256.Sum256([]byte(v.Handle))), "globalmount")
}

// targetPath is where a pod, whose directory this is, has a volume.
func (c *CSI) targetPath(dir string, v *record) string {
	if v.block() {
		return filepath.Join(c.global(), ofDevices, "publish", v.Name, filepath.Base(dir))
	}
	return filepath.Join(dir, ofPod, v.Name, mountDir)
}

// nameAt is the name of the volume of a CSI driver that a pod has at a path; false if it is none.
func (c *CSI) nameAt(dir, target string) (name string, ofDriver bool) {
	name = filepath.Base(filepath.Dir(target))
	for _, r := range []record{{Name: name}, {Name: name, Mode: string(corev1.PersistentVolumeBlock)}} {
		if c.targetPath(dir, &r) == target {
			return name, true
		}
	}
	return "", false
}
