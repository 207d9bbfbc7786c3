// Package v1 declares the kinds which limit what may be done to pods.
//
// Each type is made of the spec and the status of its namesake in k8s.io/api/policy/v1, so that
// its underlying type is the upstream one and a conversion either way is a cast which costs
// nothing. The markers describe the custom resource which the kind is under its second name.
// The package holds no behaviour: defaults and validation live in the webhooks, decisions in
// the controllers.
//
// +kubebuilder:object:generate=true
// +groupName=policy.orrery.dev
// +orrery:upstream=k8s.io/api/policy/v1
package v1
