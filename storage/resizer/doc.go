// Package resizer has a CSI driver make the volumes of claims larger that ask for more than they have. It is what external-resizer is.
//
// It watches PersistentVolumeClaims and PersistentVolumes. It owns the capacity of volumes of the driver, in its place, and of their claims what the status says of
// resizing until a node agent has to go on: conditions Resizing, FileSystemResizePending and ControllerResizeError, allocatedResources
// and allocatedResourceStatuses.
//
// # What it promises
//
//   - What is asked of the driver is written down before (allocatedResources), and a size that was asked for is reached before another
//     one is, unless the driver has refused it for good: then a smaller one may be asked for.
//   - A claim has its new size when the driver says that nothing is left to do on the node; otherwise the node agent finishes it.
//
// # What it says
//
// Events of external-resizer, letter by letter: Resizing, VolumeResizeSuccessful, VolumeResizeFailed, FileSystemResizeRequired.
//
// # What differs
//
// Drivers that grow volumes on the node alone are not served: for them external-resizer grows nothing, and lets the node agent. Nor is one
// that refuses to grow volumes in use told apart: it is asked again and again.
package resizer
