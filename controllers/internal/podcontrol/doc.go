// Package podcontrol creates and deletes pods for their owner, and says so in the owner's events.
//
// It owns the reasons and messages of these events, which are those of Kubernetes for a ReplicaSet, a DaemonSet, a Job and a
// ReplicationController; a StatefulSet has its own. That a pod's namespace goes away, or that the pod has changed, is no failure
// and tells nothing.
//
// It never decides which pods, and how many.
package podcontrol
