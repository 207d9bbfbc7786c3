// Package conditions sets the conditions in an object's status.
//
// Most kinds of Kubernetes have a condition type of their own, all with a type, a status and the time at which the status
// last changed. An [Of] says where these are in one of them; for metav1.Condition it is [Meta].
//
// It promises that the time of the last change moves when the status does, and only then, by a clock that is passed in;
// and that no slice that it is given is changed, since that of an observed object must not be. It decides nothing and
// writes nothing.
package conditions
