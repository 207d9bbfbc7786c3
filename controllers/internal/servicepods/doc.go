// Package servicepods knows which pods stand behind a Service, and what the Service's addresses and ports are in each of them.
//
// It promises the meanings that Kubernetes documents, the same for Endpoints and for EndpointSlices: a Service without a selector,
// and one of the type ExternalName, has no pods; a named target port is that of any container or sidecar of the same protocol; and
// the annotation endpoints.kubernetes.io/last-change-trigger-time is the earliest change of a pod's readiness that brought about a
// write.
//
// It never decides which pods are listed, nor where.
package servicepods
