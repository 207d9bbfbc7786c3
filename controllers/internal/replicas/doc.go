// Package replicas knows pods as interchangeable copies: which of them count, which can be relied on, and which are
// missed the least.
//
// It promises the meanings that Kubernetes documents: a pod is active unless it has ended or is being deleted; it is
// available once it has been ready for minReadySeconds; and the order of deletion is that of the ReplicaSet
// documentation (https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-a-replicaset).
//
// All of it is pure, and nothing here changes a pod.
package replicas
