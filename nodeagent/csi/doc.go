// Package csi knows the CSI drivers of a node, and speaks with them.
//
// Drivers are those that are registered: by package plugins, whose handler for plugins of type CSIPlugin they are. A Driver is one of
// them: the calls of the node service, in the kubelet's terms, each with the kubelet's two minutes. What a driver can do (its
// capabilities) is asked once for each registration.
//
// Node tells the control plane which drivers there are: in the CSINode of the node, in the annotation that says by which ID each driver
// knows it, and in the labels that say where it is to them (topology). A Refresher asks drivers again that want it.
//
// Attachments waits until a volume is attached, as the node's status and a VolumeAttachment have it, after it has said in that status
// that the volume is in use.
//
// What it promises:
//
//   - A driver that is found (Drivers.Driver) has told what node it thinks to be on, and the control plane has been told that.
//   - What a driver answers is passed on: an error of its is the text that it gave, with gRPC's code.
//   - A volume that has to be attached is not waited for before the node's status says that it is in use. So it is not
//     detached between the answer and its use.
//   - Labels of topology that are there with other values are not overwritten: then the driver is not registered, and told why.
//
// It decides nothing about volumes (package volumes does), and keeps nothing on the disk. A driver that went while no agent ran stays in
// the CSINode until one of its name is registered and goes, as with a kubelet.
package csi
