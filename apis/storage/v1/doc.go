// Package v1 declares the kinds by which volumes are provisioned, attached and accounted for.
//
// Each type is made of the spec and the status of its namesake in k8s.io/api/storage/v1, so that
// its underlying type is the upstream one and a conversion either way is a cast which costs
// nothing. The markers describe the custom resource which the kind is under its second name.
// The package holds no behaviour: defaults and validation live in the webhooks, decisions in
// the controllers.
//
// +kubebuilder:object:generate=true
// +groupName=storage.orrery.dev
// +orrery:upstream=k8s.io/api/storage/v1
package v1
