// Package apicalls has the scheduler's requests to the API server, each under a type of its own for those who make it:
//
//	Cached       pods and nodes as the watch last showed them
//	Binder       bindings, a bounded number at a time
//	PodStatuses  conditions and nominations in the status of pods
//	PodGroups    conditions in the status of pod groups
//	Volumes      volumes and claims that are bound to each other
//	Victims      evictions by preemption
//
// A request is worded as the naming in use wants it (package framework/naming), so that nobody else has to know whether
// pods are Kubernetes' own or custom resources.
//
// A conflict is never taken for the news that an object is gone. PodStatuses and Victims read again what a refused request
// has met, and try again a few times; what then still fails is an error, as a conflict is for all others.
package apicalls
