package cli

import (
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/ptr"
)

// sharedDisk is for a node on a machine that people use for other things as well, and whose disk they have filled to a half or more before
// the first pod comes. The kubelet's figures are for machines that are nodes and nothing else: they are those of any other node. What the
// node's configuration says stays.
func sharedDisk(c *kubeletconfigv1beta1.KubeletConfiguration) {
	if c.EvictionHard == nil {
		c.EvictionHard = map[string]string{
			"memory.available": "100Mi", "nodefs.available": "5%", "nodefs.inodesFree": "5%", "imagefs.available": "5%", "imagefs.inodesFree": "5%",
		}
	}
	if c.ImageGCHighThresholdPercent == nil && c.ImageGCLowThresholdPercent == nil {
		c.ImageGCHighThresholdPercent, c.ImageGCLowThresholdPercent = ptr.To[int32](90), ptr.To[int32](85)
	}
}
