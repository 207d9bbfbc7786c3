package csi

import (
	"crypto/sha256"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// PluginName is what the kubelet calls all of CSI, in directories and in the names of volumes.
const PluginName = "kubernetes.io/csi"

// Volume is a volume of a driver.
type Volume struct{ Driver, Handle string }

// UniqueName is the volume's in the status of nodes.
func (v Volume) UniqueName() corev1.UniqueVolumeName {
	return corev1.UniqueVolumeName(PluginName + "/" + v.Driver + "^" + v.Handle)
}

// Attachment is the name of the VolumeAttachment of the volume to a node.
func (v Volume) Attachment(node string) string {
	return fmt.Sprintf("csi-%x", sha256.Sum256([]byte(v.Handle+v.Driver+node)))
}

// InlineHandle is the handle of a volume that a pod has in itself, by the pod's UID and the volume's name there.
func InlineHandle(uid, name string) string {
	return fmt.Sprintf("csi-%x", sha256.Sum256([]byte(uid+name)))
}
