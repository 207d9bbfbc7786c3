// Package scaletarget reads and sets how many replicas an object has, whatever its kind is: one of ours, or one that a
// CustomResourceDefinition gives a scale.
//
// It knows the scale subresource and nothing else of a kind, so that what an autoscaler or a disruption budget points to need not
// be registered, watched or known. It promises that a scale is set only as it was read: somebody else who changed the object
// meanwhile is a conflict.
//
// It asks the API server every time, and remembers nothing. It never says how many replicas there should be.
package scaletarget
