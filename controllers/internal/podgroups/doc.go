// Package podgroups finds the pods of a PodGroup, and the PodGroup of a pod.
//
// It owns the index of pods by spec.schedulingGroup, and decides nothing: whether a pod that has ended counts is for the room that
// asks.
package podgroups
