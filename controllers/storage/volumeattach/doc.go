// Package volumeattach asks CSI drivers to attach volumes to the nodes on which pods want them. It is the part of
// kube-controller-manager's persistentvolume-attach-detach-controller that makes VolumeAttachments; the other part, what a node is told
// to have, and detaching, is package volumedetach.
//
// Its key is a volume, as DRIVER^HANDLE: whether a node may have it depends on what other nodes have. It watches VolumeAttachments,
// pods, their claims and PersistentVolumes, nodes that begin to leave attaching to us, and CSIDrivers. Which volumes are meant,
// package attachable says. It creates VolumeAttachments, and changes nothing else.
//
//	Warning FailedAttachVolume   the driver says that it could not; it has not answered for two minutes; or the volume is for one node at
//	                             a time, and attached to another: then the pods there are named, as far as they are in the same namespace
//
// # What it promises
//
//   - A VolumeAttachment is made for each node that leaves attaching to us and has a pod which needs the volume and has not ended.
//   - Of a volume that one node at a time may have none is made while there is one, be it that it is being deleted: until the driver
//     has let it go, no other node is given the volume. The node of the oldest pod is first. In this it is stricter than
//     kube-controller-manager, which gives the volume to the next node when a detachment has failed or takes longer than two minutes.
//   - Attachments of other names than kube-controller-manager's, csi- and the hash of handle, driver and node, are none of its business.
//   - A pod is told once of each thing that is in the way, and once more after a restart.
//
// Volumes of iSCSI, Fibre Channel and FlexVolume, which kube-controller-manager says to be attached, are left alone.
package volumeattach
