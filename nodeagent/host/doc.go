// Package host is the node's side of a pod: what the runtime is told about its sandbox and containers, and what must be there on
// disk before they start.
//
// The configurations it makes are the kubelet's as far as a container can tell: names, labels, annotations, environment,
// mounts, security context, resources, DNS. Volumes, environment and cgroups have packages of their own; this one puts them
// together. A Host without a root directory (for simulated nodes) writes nothing to disk and mounts nothing.
package host
