// Package volumes knows how PersistentVolumes and claims name each other, what phase a volume is in, and which CSI driver has taken
// over from a plugin that used to be part of Kubernetes.
//
// A volume names its claim in spec.claimRef, by the UID too once the two are bound; without it the volume is kept for whichever claim
// comes by that name.
//
// It owns the index of volumes by claim. It is pure but for reads by that index, and decides nothing: who is bound to whom, and what
// becomes of a volume that is free again, is for the rooms that ask.
package volumes
