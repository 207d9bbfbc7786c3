// Package v1 declares the kinds that keep a cluster tidy.
//
// +kubebuilder:object:generate=true
// +groupName=housekeeping.orrery.dev
package v1
