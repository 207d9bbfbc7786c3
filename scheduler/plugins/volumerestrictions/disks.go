package volumerestrictions

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// namesDisk reports whether the pod names a disk directly that cannot be shared freely.
func namesDisk(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, isDisk)
}

func isDisk(volume corev1.Volume) bool {
	return volume.GCEPersistentDisk != nil || volume.AWSElasticBlockStore != nil || volume.ISCSI != nil || volume.RBD != nil
}

// sharesDisk reports whether two pods name the same disk in a way that keeps them off the same node.
func sharesDisk(a, b *corev1.Pod) bool {
	for i := range a.Spec.Volumes {
		if !isDisk(a.Spec.Volumes[i]) {
			continue
		}
		for j := range b.Spec.Volumes {
			if conflict(&a.Spec.Volumes[i], &b.Spec.Volumes[j]) {
				return true
			}
		}
	}
	return false
}

func conflict(a, b *corev1.Volume) bool {
	return sameGCEDisk(a.GCEPersistentDisk, b.GCEPersistentDisk) ||
		sameEBSVolume(a.AWSElasticBlockStore, b.AWSElasticBlockStore) ||
		sameISCSITarget(a.ISCSI, b.ISCSI) ||
		sameRBDImage(a.RBD, b.RBD)
}

// A GCE disk can be on a node for several pods that read it.
func sameGCEDisk(a, b *corev1.GCEPersistentDiskVolumeSource) bool {
	return a != nil && b != nil && a.PDName == b.PDName && (!a.ReadOnly || !b.ReadOnly)
}

// An EBS volume is never shared.
func sameEBSVolume(a, b *corev1.AWSElasticBlockStoreVolumeSource) bool {
	return a != nil && b != nil && a.VolumeID == b.VolumeID
}

// The same iSCSI target, whatever portal or lun, can be on a node for several pods that read it.
func sameISCSITarget(a, b *corev1.ISCSIVolumeSource) bool {
	return a != nil && b != nil && a.IQN == b.IQN && (!a.ReadOnly || !b.ReadOnly)
}

// A Ceph image is the same where pool and name are, and one monitor serves both.
func sameRBDImage(a, b *corev1.RBDVolumeSource) bool {
	if a == nil || b == nil || a.RBDPool != b.RBDPool || a.RBDImage != b.RBDImage || a.ReadOnly && b.ReadOnly {
		return false
	}
	return slices.ContainsFunc(a.CephMonitors, func(monitor string) bool { return slices.Contains(b.CephMonitors, monitor) })
}
