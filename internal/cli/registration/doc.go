// Package registration is what a machine keeps to be a node of a cluster: who it is, at which address, and the credentials that it shows.
//
// A registration is a folder: node.json, the kubeconfigs of the node agent, of what programs its network and of its DNS server, the key pair
// of the agent's server, and the certificate of the authority that signed the API server's clients. For a further node of a control
// plane that writes it, and the node only reads. A machine that joined has written it itself, and keeps the pairs of its certificates
// there, which it requests (package nodebootstrap). A registration that can be read is whole.
//
// It signs nothing and talks to nobody.
package registration
