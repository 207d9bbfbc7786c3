// Package pvexpander tells who is to make the volume of a claim larger that asks for more than it has. It is kube-controller-manager's
// persistentvolume-expander-controller.
//
// It watches PersistentVolumeClaims, and the PersistentVolumes that they are bound to. It makes nothing larger itself: no plugin that is
// part of Kubernetes can any more, so that volumes grow by the resizers of their CSI drivers, and by node agents. It owns the annotation
// volume.kubernetes.io/storage-resizer of claims whose volumes are of a plugin that a CSI driver has taken over from; the conditions
// of resizing are the resizer's and the node agent's.
//
// # What it promises
//
//   - A bound claim that requests more than its status says it has is told of, and left alone otherwise.
//   - Where its volume is of a plugin that a driver has taken over from, the claim names that driver as its resizer.
//   - A claim whose volume is bound to another claim is left alone.
//
// # What it says
//
// The event ExternalExpanding on such a claim, once for as long as it is so.
//
// # What differs
//
// kube-controller-manager writes the new size into volumes of FlexVolume drivers, of which only nodes know how to make them larger. Here
// such a claim waits as any other.
package pvexpander
