// Package defaultpreemption makes room for a pod that fits nowhere: it finds the node where the least would be lost if
// less important pods went, makes those go, and nominates the pod to that node.
//
// A pod may preempt unless its preemptionPolicy is Never, or an earlier preemption for it is still under way: pods that
// were preempted on the node that it is nominated to are terminating. Only nodes that are Unschedulable are looked at:
// where a filter said UnschedulableAndUnresolvable, no pod's going would help. Of these nodes some are tried out, side by
// side, beginning anywhere: as many as give minCandidateNodesPercentage or minCandidateNodesAbsolute candidates,
// whichever is more, with at least one that violates no PodDisruptionBudget. What was found out of a node is remembered for
// the next pod of the same class, until something changes that it followed from. Extenders that know how can object to
// candidates and change their victims. What is best, package preemption says.
//
// The evictions run beside the scheduling of other pods. Meanwhile PreEnqueue holds the pod back, until the scheduler itself
// has heard of the last victim's leaving: earlier, the pod would find its place taken and preempt a second time. The event
// of that deletion brings it back to the queue by the hints of the plugins that refused it. A nomination counts from the
// moment when it was decided, whenever it is written.
//
// For a pod group that cannot be scheduled, the place is the whole cluster: all less important pods are thought away, the
// group is scheduled, and as many of them as possible are put back with every member in its place. Budgets and groups that
// go as a whole count as they do for a pod.
//
// Plan decides and does nothing, for whoever only wants to know.
package defaultpreemption
