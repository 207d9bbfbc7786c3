// Package simulated is a CSI driver's controller service in memory: it makes volumes that hold nothing, for nodes that run nothing.
//
// It promises what package local promises of the calls that it has, so that the loops beside a driver can be run without a machine: on
// simulated nodes, and in their tests. It keeps nothing over a restart, and needs not: it makes again what it is asked for, and is content
// with a deletion of what it does not know.
//
// What goes wrong with drivers can be rehearsed, by a parameter of a class: see [Rehearse]. It attaches nothing, and no node mounts what it
// makes, so failures of those are not among it.
package simulated
