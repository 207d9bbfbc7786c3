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
// Both answer for the plugins' Handle and snapshot in the form of k8s.io/kube-scheduler/framework. Until Serve is
// called, which says that the API server has pod groups, all questions are answered with framework.ErrUnsupported.
//
// Groups of groups (CompositePodGroup) are behind a feature gate of kube-scheduler which is alpha and off by default: as
// there, questions about them are then always answered with an error, here framework.ErrUnsupported, and a group that names
// a parent is scheduled as if it named none.
//
// The package never calls the API and decides nothing.
package podgroups
