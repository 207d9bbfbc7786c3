// Package podtopologyspread spreads pods over the domains of topology keys, as their topologySpreadConstraints say.
//
// A constraint is about the pods of the pod's namespace that match its selector (to which matchLabelKeys adds the
// pod's own values of some labels) and are not being deleted. With DoNotSchedule, a node is refused when its domain would
// have more than maxSkew such pods more than the domain with the fewest; with fewer than minDomains domains, more than
// maxSkew at all. With ScheduleAnyway, nodes in domains with fewer pods are preferred.
//
// Nodes that lack the topology key of one of the constraints are not counted, and by DoNotSchedule they are refused. By
// nodeAffinityPolicy (default Honor) and nodeTaintsPolicy (default Ignore) it is decided whether nodes are counted that
// the pod's node selector and affinity do not match, or whose taints it does not tolerate.
//
// A pod without constraints gets those of the profile. Their selector is what the Services that select the pod and its
// ReplicationController, ReplicaSet or StatefulSet have in common; where there are none, there is nothing to spread.
//
// All counts come from package topologycount, so that a decision costs little more than what changed since the one before
// it.
package podtopologyspread
