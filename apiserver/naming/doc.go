// Package naming makes an API server show one stored object under two names.
//
// A Deployment is apps/v1 for kubectl, Helm and client-go, and apps.orrery.dev/v1, a custom resource, for whoever
// works with the Orrery naming. There is one copy of it in etcd, under the key of the custom resource and in the form
// of the custom resource. The custom resource's side of the server therefore needs no change at all; this package
// teaches the other side to read and write that form, through three settings that Kubernetes' storage factory has for
// every resource: the key's prefix, the version that is stored, and the codec.
//
// The codec also translates what an object says about API versions in its metadata: ownerReferences, so that either
// side finds its owners, and managedFields, so that server-side apply works from both. What is stored is in the
// Orrery naming throughout.
//
// The package promises that both sides see the same resourceVersion, UID and content. It does not translate fields
// that a person wrote, such as scaleTargetRef of a HorizontalPodAutoscaler: both names of its target can be looked up.
package naming
