// Package capacity tells the scheduler how much space a CSI driver has where it makes volumes, so that pods go where their volumes can be.
// It is what external-provisioner does with --enable-capacity.
//
// It watches StorageClasses, and PersistentVolumes, of which each takes some. It owns the CSIStorageCapacity objects of the driver and
// its place, in kube-system: one for each class of the driver. They are owned by the Node, with which they go.
//
// # What it promises
//
//   - What the objects say was so within the last minute, rounded down to 64 MiB so that not every file that is written is news.
//   - A class that is gone, or is another driver's, has no object here.
package capacity
