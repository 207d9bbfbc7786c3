// Package devicetainteviction deletes the pods that use a device with a taint of effect NoExecute which their claims do not tolerate, or
// no longer. With package devicetaintrule, which says how far that is, it is kube-controller-manager's device-taint-eviction-controller.
//
// It works on pods that have a node and claims. It watches them, ResourceClaims, ResourceSlices, in which drivers taint their devices,
// and DeviceTaintRules, by which administrators do. A pod has two names, but what it reads has one on every cluster, where it is of use
// to nobody who has not the loops of claims as well; so it acts on the cluster's kinds.
//
// # What it promises
//
//   - A pod uses a claim that is allocated and reserved for it. Of the slices of a pool those of the newest generation count.
//   - A toleration is one of the allocated device, for the effect NoExecute. Without tolerationSeconds it is for ever. With them it
//     lasts so long from when the taint was added; of several that match the shortest counts. The first taint that is not tolerated
//     any more counts.
//   - A pod whose device loses the taint in time stays.
//   - The deletion is graceful, and asks no disruption budget: the device is not fit for the pod.
//
// # What it says
//
// Before a pod is deleted it gets the condition DisruptionTarget with the reason DeletionByDeviceTaintManager, and the event
// DeviceTaintManagerEviction. That an eviction which was due later is called off is told by no event.
package devicetainteviction
