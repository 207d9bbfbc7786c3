// Package naming is the one place that knows what differs between an object under Kubernetes' own API group and the same
// object as a custom resource.
//
// Custom resources have a status and a scale subresource and no other, and their patches do not merge lists by key. So
// what is one call for a built-in kind can be another, or several, for a custom resource: binding a pod, evicting it by the
// rules of disruption budgets, patching a status. The scheme of the client says which
// it is: a kind that client-go knows is built in.
//
// The package knows no kind of ours, decides nothing, and keeps no state. What reads for it has to be the API server and not
// a cache: what is read again after a conflict has to be new.
package naming
