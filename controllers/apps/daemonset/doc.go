// Package daemonset keeps one pod of a DaemonSet on each node that it fits. It is kube-controller-manager's daemonset-controller.
//
// It owns the pods, the ControllerRevisions and the status of DaemonSets. It watches DaemonSets, pods and ControllerRevisions that they
// control or would adopt, and the labels and taints of nodes.
//
// A pod is bound to its node by the scheduler: by an affinity to the node's name, which stands in the place of what the template says
// about nodes' fields. It tolerates, besides what the template says, that a node is not ready, unreachable, short of memory, disk or
// PIDs, or unschedulable; and with the host's network that a node has none.
//
// # What it promises
//
//   - A node that the template's node name, selector, affinity and tolerations let in gets a pod. Where a taint came later that does
//     not evict, the pod stays; elsewhere pods go.
//   - A pod that has ended is deleted and made anew. A failed one waits as long as there has been no ready pod on its node before: a
//     second at first, a quarter of an hour at most.
//   - A roll keeps to maxUnavailable: pods of an old revision that are not available anyway go first. With maxSurge a new pod runs
//     beside the old one until it is available, and a node that the DaemonSet leaves is left only when enough others are available.
//   - Under OnDelete nothing is deleted for a roll.
//   - At most 250 pods are created or deleted in one pass.
//   - Revisions in use, and as many others as revisionHistoryLimit says, are kept. Undoing is setting the template of one.
//   - A DaemonSet that is being deleted only has its status kept.
//
// # What it says
//
// Events, about the DaemonSet: SuccessfulCreate, FailedCreate, SuccessfulDelete, FailedDelete, FailedDaemonPod, SucceededDaemonPod and
// SelectingAll and InvalidSelector. Where the selector does not match the labels of the template, which no API server lets in, no pod is
// made, and FailedCreate says so.
package daemonset
