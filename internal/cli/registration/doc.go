// Package registration is what a machine keeps to be a node of a cluster: who it is, at which address, and the credentials that it shows.
//
// A registration is a folder with five files: node.json, the kubeconfigs of the node agent and of what programs its network, the key pair
// of the agent's server, and the certificate of the authority that signed the API server's clients. Whoever signs for the cluster writes
// it; the node only reads. It promises that a registration which can be read is whole.
//
// It signs nothing and talks to nobody.
package registration
