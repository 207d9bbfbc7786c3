// Package cgroups gives each pod a control group, in which the runtime places the pod's containers.
//
// The layout is the kubelet's cgroupfs layout below a root of the agent's own: Guaranteed pods directly below it, the others
// below burstable and besteffort. Both versions of the kernel's interface are supported: version 1 with a directory in each
// hierarchy, version 2 with one directory. Resources are computed by pure functions; only FS writes. Outside of its root it changes a
// group only where it is told to (Enforce), and makes none.
package cgroups
