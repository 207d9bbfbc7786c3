// Package extender asks programs outside of the scheduler what they think of a pod and some nodes, as kube-scheduler's
// extenders are asked: by HTTP, with the types of k8s.io/kube-scheduler/extender/v1 as JSON.
//
// An extender is configured with a verb for each thing that it wants to be asked, which is appended to its URL:
//
//	filter      which of the nodes that the plugins let pass can run the pod
//	prioritize  how good each of them is, from 0 to 10, times a weight
//	preempt     which candidates and victims of preemption it agrees with
//	bind        binding the pod to its node, in place of the Bind plugins
//
// An extender with managed resources is asked about pods that use one of them; one without, about all. One that is
// nodeCacheCapable is sent the names of nodes and the UIDs of victims, the others whole objects.
//
// Each call is one POST with a time-out, and is not repeated. What does not answer with status 200 and the right JSON in
// time has failed, and the error names the extender and what it was asked; what that means for the pod, the caller
// decides by IsIgnorable. A node or victim that an extender makes up is an error. The package never calls the API server.
package extender
