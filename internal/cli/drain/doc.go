// Package drain has the pods of a node go elsewhere, as kubectl drain does, with no more rights than the node itself has.
//
// It owns nothing. It promises that the node takes no new pods from then on, until Uncordon lets it; that each pod is asked to go by the eviction API, and so
// goes only when its disruption budgets allow it; and that those which belong to the node are left: mirror pods, and pods of
// DaemonSets. It deletes no pod by any other way.
package drain
