// Package bootstraptoken knows the Secrets by which new nodes become known to the API server, and the API server to them: those of the
// type bootstrap.kubernetes.io/token in the namespace kube-system.
//
// A loop that reads them is to see no other Secret: [Cached] is for loop.Apart, and the right to read Secrets for that namespace alone.
package bootstraptoken
