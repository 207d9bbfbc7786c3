// Package resourceclaims knows which ResourceClaims a pod uses, and which pods use a claim.
//
// A pod names a claim, or a template that its claim is made from; the name of that one stands in the pod's status. Claims are also
// made for a pod by the scheduler, where it asks for devices as for an extended resource.
//
// It owns the indexes of pods by claim and by template, and decides nothing else: whether a pod that waits or is being deleted counts
// is for the room that asks.
package resourceclaims
