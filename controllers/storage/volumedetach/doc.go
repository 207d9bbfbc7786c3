// Package volumedetach tells nodes which volumes are attached to them, and asks CSI drivers to detach those that no pod needs there. It is
// the part of kube-controller-manager's persistentvolume-attach-detach-controller that is about what a node has; the other part, asking for
// volumes, is package volumeattach.
//
// Its key is a node, also one that is gone. It watches nodes, VolumeAttachments, pods, their claims and PersistentVolumes, and CSIDrivers.
// Which volumes are meant, package attachable says. It owns the CSI volumes in a node's status.volumesAttached, and deletes
// VolumeAttachments.
//
//	Normal SuccessfulAttachVolume   to the pods that need a volume, when their node is told to have it
//
// # What it promises
//
//   - A node is told to have a volume which pods there need and which the driver has attached.
//   - It is told not to have a volume any more before the driver is asked to detach it, and this is asked after the node has been
//     looked at once more, at the API server: while it says that the volume is in use, or is told to have it, it keeps it. So a kubelet that
//     says so before it looks whether it has the volume never mounts what is on its way out.
//   - A volume in use is detached all the same when its node has the taint node.kubernetes.io/out-of-service; or when the node is not ready,
//     or gone, and nobody has needed the volume there for six minutes. Of a node that is gone nobody knows what it had in
//     use, so it counts as if it were all, where kube-controller-manager goes by what it said last.
//   - Volumes of other plugins in the status of a node, nodes that attach by themselves, and VolumeAttachments of other names than those
//     that package volumeattach makes are left alone.
//
// What it knows is in the API, but for how long nobody has needed a volume. After a restart the six minutes begin anew, as they do in
// kube-controller-manager.
package volumedetach
