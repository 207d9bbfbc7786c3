// Package nodeinfo describes a node and the pods on it the way scheduling plugins see them.
//
// PodInfo is immutable: everything derived from a pod is computed when it is built, so that any number of goroutines
// can read it. NodeInfo adds up its pods incrementally; it is not safe for concurrent writes, and its owner (the cache)
// guards it. Each change gives it a new generation, and no two changes of any two nodes share one, which is how a
// snapshot knows what is new.
//
// The types implement k8s.io/kube-scheduler/framework.PodInfo and NodeInfo. They never call the API.
package nodeinfo
