// Package volumeclaims tells which PersistentVolumeClaims a pod's volumes stand for, and brings pods back when one of
// theirs has changed.
//
// It is what the plugins for volumes have in common. It looks at the pod and the claim that it is given, and reads nothing.
package volumeclaims
