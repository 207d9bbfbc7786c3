// Package podcontrol creates and deletes pods for their owner, and says so in the owner's events.
//
// It owns the reasons and messages of these events, which are those of Kubernetes for a ReplicaSet, a DaemonSet, a Job and a
// ReplicationController; a StatefulSet has its own. That a pod's namespace goes away, or that the pod has changed, is no failure
// and tells nothing.
//
// Pods that their owner does not select are not created, which is told as a failure.
//
// It never decides else which pods, and how many.
package podcontrol
