// Package cycle schedules one pod at a time: it takes a pod from the queue, looks at the cluster as it is at that moment,
// decides on a node, and binds the pod to it.
//
// Deciding is serial, so that each decision sees the one before. A decided pod is assumed in the cache, and the rest
// (waiting for Permit, PreBind, Bind) runs beside the next decisions. When anything fails, what was assumed is taken back,
// the pods that may profit are woken, and the pod goes back to the queue with the plugins that refused it.
//
//	snapshot ─ PreFilter ─ Filter ─ Score ─ choose ─ assume ─ Reserve ─ Permit │ wait ─ PreBind ─ Bind ─ PostBind
//	                          └ nothing fits: PostFilter                       │ (a goroutine per pod)
//
// A decision is made only when few of the pods decided on wait for their turn to be bound (package bindqueue). Which pod is next
// is not chosen before that.
//
// Extenders are asked after the plugins at Filter and Score, and before them at Bind.
//
// A search stops when enough nodes fit (percentageOfNodesToScore), and the next one starts where it stopped, so that all
// nodes get their turn. Among equally good nodes the choice is random.
//
// From its second pod on, an equivalence class has what the local plugins said of each node (package equivalence), and
// the search is replaced by what is left to do:
//
//   - The other plugins have nothing to say of the pod, which is the common case: the class gives a node at once, the
//     best of all nodes that it knows. percentageOfNodesToScore bounds how many it gets to know in one attempt.
//   - Others have something to say and can say it of all nodes at once, such as affinity to pods and topology spread: what
//     they say is put over the class, and one pass over its arrays gives a node, again the best of all that are known.
//   - Others filter that cannot: the search asks only them, and takes the rest from the class.
//   - Others score that cannot: they score enough of the nodes that the class lets through.
//
// For a pod that fits nowhere, the class has the reasons as well, in the same words and numbers.
//
// The pending pods of a pod group are decided on together, in one turn. Each finds its place as any pod does, but is
// assumed in the snapshot only, where those after it see it and nobody else does:
//
//	snapshot ─ a place for each member ─ enough of them? ─ take all back ─ assume all ─ Permit all │ bind each
//	                                          └ no: PodGroupPostFilter
//
// Where the group's policy is not met, none of its members keeps anything, so that two gangs never wait for each other's
// places. Where Permit makes a member of a gang wait, the others wait with it before they are bound, and when too few are
// permitted, all give back their places. Once members are being bound, one that fails comes back alone.
//
// Plugins that generate placements make a group be tried on each of several parts of the cluster, and the best is taken.
// That is the ordinary search, without classes. Groups of groups (CompositePodGroup) are not known.
package cycle
