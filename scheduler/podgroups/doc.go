// Package podgroups knows the pod groups (scheduling.k8s.io PodGroup) and how far the scheduling of their pods has come.
//
// A pod names its group in spec.schedulingGroup, and the group need not exist yet. Of each group there are the object, if
// it has been seen, and the pods that name it, each of which is one of
//
//	unscheduled   it has no node
//	assumed       the scheduler has decided on a node, and the API server does not show it yet
//	assigned      the API server shows it on a node
//
// Groups is what is known at this moment; it is safe for concurrent use. A View is that of one moment, on which pods can be
// assumed without anybody else seeing it; it belongs to one goroutine, and changes only when that wants it.
//
// Both answer for the plugins' Handle and snapshot in the form of k8s.io/kube-scheduler/framework. Groups of groups
// (CompositePodGroup, which is alpha) are not known: questions about them are answered with an error. Until Serve is called,
// which says that the API server has pod groups, so are all questions, and that error is framework.ErrUnsupported.
//
// The package never calls the API and decides nothing.
package podgroups
