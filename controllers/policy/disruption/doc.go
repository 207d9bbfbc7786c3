// Package disruption counts how many pods of a PodDisruptionBudget may be evicted now. It is the part of kube-controller-manager's
// disruption-controller that looks at budgets; the other part, pods that were to be disrupted and were not, is package
// staledisruption.
//
// It owns the status of PodDisruptionBudgets. It watches PodDisruptionBudgets, the pods that they select, and how many replicas
// Deployments, ReplicaSets, StatefulSets and ReplicationControllers ask for.
//
// # How it counts
//
// A pod is healthy when it is ready, is not being deleted, and is not about to be: an eviction writes a pod down in
// status.disruptedPods before it deletes it. What counts as all pods is, for a number in minAvailable, the pods that are selected; and
// for a percentage, and for maxUnavailable, the replicas that their controllers ask for: a Deployment for the pods of its ReplicaSets,
// and whatever has a scale subresource. Percentages are rounded up.
//
// # What it promises
//
//   - Whoever evicts is never allowed more than what was seen to be healthy above what has to be: where the pods, or their controllers'
//     replicas, cannot be counted, no eviction is allowed.
//   - A pod that was to be deleted two minutes ago and was not is healthy again, and taken off the list.
//   - Pods without a controller count as healthy, and not as wanted.
//
// # What it says
//
// The condition DisruptionAllowed is True (SufficientPods) when an eviction is allowed, and False otherwise: InsufficientPods, or
// SyncFailed with what could not be counted. Events, about the budget: NoPods, UnmanagedPods, InvalidSelector and CalculateExpectedPodCountFailed; about a
// pod: NotDeleted, and MultiplePodDisruptionBudgets where several select it: the API server then refuses to evict it. The last is told
// as soon as there is a second budget; upstream tells it when the pod changes the next time, and then counts only
// one of the budgets anew, where we count all.
package disruption
