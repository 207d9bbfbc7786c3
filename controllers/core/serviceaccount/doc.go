// Package serviceaccount gives every Namespace its ServiceAccount "default", which Pods run as that name no other. It is
// kube-controller-manager's serviceaccount-controller.
//
// It watches Namespaces, and ServiceAccounts of that name. It works on Namespaces that are not being deleted, and creates the
// ServiceAccount when there is none: in a new Namespace, and after somebody has deleted it.
//
// It never changes a ServiceAccount that exists, and never deletes one.
package serviceaccount
