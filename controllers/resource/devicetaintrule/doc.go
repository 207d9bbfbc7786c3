// Package devicetaintrule says in the status of a DeviceTaintRule how far the evictions by it are. With package devicetainteviction,
// which evicts, it is kube-controller-manager's device-taint-eviction-controller.
//
// It watches DeviceTaintRules, and pods and ResourceClaims that come under them. It owns the rules' condition EvictionInProgress.
//
// # What it says
//
//   - For the effect NoExecute it is True (PodsPendingEviction) while pods have to go, with their number and that of their namespaces,
//     and False (NotStarted, Completed) otherwise.
//   - For the effect None it is False (NoEffect), with the number of devices and pods which the effect NoExecute would concern. That is
//     said once for each generation of the rule.
//   - For any other effect it is False (OtherEffect).
//   - How many pods the rule has evicted is counted from when the controller was started.
//
// # What it promises
//
//   - What changes without the rule itself changing is told 10 s later at the earliest, and once more when nothing more happens: an
//     eviction of thousands of pods is no thousand writes.
package devicetaintrule
