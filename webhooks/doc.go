// Package webhooks gives our kinds, under their own group names, the defaults, the validation and the PodSecurity that Kubernetes
// gives them under its own.
//
// A custom resource definition can say what a field is, and not that a Deployment's selector has to match its template. The
// rules for that are Kubernetes' functions, called as its own API server calls them: so an invalid Deployment gets the same
// words under either name. The table in kinds.go has one line a kind.
//
// Pods and their templates are held to the Pod Security Standards as well, by the library that Kubernetes' admission plugin of that name
// is made of: no admission of a cluster's own looks at pods that are custom resources.
//
// [AddTo] serves the rules as webhooks of a controller-runtime manager, for an API server that somebody else runs. Our own
// never sees these kinds by their own group names (package apiserver/naming translates them at the door), and needs none.
//
// The package keeps nothing, and never decides who may do something: that is authorization's. The certificate is kept by package
// certificates.
package webhooks
