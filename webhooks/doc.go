// Package webhooks gives our kinds, under their own group names, the defaults and the validation that Kubernetes gives them
// under its own.
//
// A custom resource definition can say what a field is, and not that a Deployment's selector has to match its template. The
// rules for that are Kubernetes' functions, called as its own API server calls them: so an invalid Deployment gets the same
// words under either name. The table in kinds.go has one line a kind.
//
// [AddTo] serves the rules as webhooks of a controller-runtime manager, for an API server that somebody else runs. Our own
// never sees these kinds by their own group names (package apiserver/naming translates them at the door), and needs none.
//
// The package keeps nothing, and never decides who may do something: that is authorization's.
package webhooks
