// Package bootstraptoken is the tokens by which machines become nodes: Secrets of the type bootstrap.kubernetes.io/token in the
// namespace kube-system, in the form that every Kubernetes has them.
//
// It makes, lists and deletes them for a person. Who signs with them, lets people in by them and deletes them when they expire
// is somebody else: the loops in controllers/bootstrap, and the API server.
package bootstraptoken
