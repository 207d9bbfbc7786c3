// Package podclaims knows which PersistentVolumeClaims a pod uses, and which pods use a claim.
//
// A pod names a claim in a volume, or has an ephemeral volume, whose claim has the name POD-VOLUME and the pod as its controller.
// A claim of that name which somebody else made is not used by the pod.
//
// It owns the index of pods by claim, and decides nothing else: whether a pod that waits or has ended counts is for the room that
// asks.
package podclaims
