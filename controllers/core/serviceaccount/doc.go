// Package serviceaccount gives every Namespace its ServiceAccount "default", which Pods run as that name no other.
//
// It works on Namespaces that are not being deleted, and creates the ServiceAccount when there is none: in a new
// Namespace, and after somebody has deleted it.
//
// It never changes a ServiceAccount that exists, and never deletes one.
package serviceaccount
