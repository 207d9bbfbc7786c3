// Package csi tells plugins which CSI drivers run on the nodes, and how many volumes each can attach there.
//
// It is the SharedCSIManager of the plugins' Handle, so that whoever simulates a cluster can put another in its place. It
// only reads: CSINode objects are written by the agents of the nodes.
package csi
