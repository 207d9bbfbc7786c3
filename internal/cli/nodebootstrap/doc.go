// Package nodebootstrap makes this machine a node of a cluster that it has been given a token for: discovery, TLS bootstrapping and
// the rotation of certificates, as kubeadm and the kubelet do it.
//
// [Join] goes through it once:
//
//   - Discovery: it reads the ConfigMap cluster-info from the API server, and believes it if its authority is one that was named (by the
//     hash of its public key, or by its certificates), if it is signed with the token, and if it is the same when it is read again over a
//     connection that this authority vouches for. The token is sent to nobody before.
//   - By the token: it finds out that the name of the node is free, reads what nodes have to know of the cluster, and requests the
//     node's client certificate, whose key never leaves the machine.
//   - What came of it is a registration (package registration), from which the machine is started as a node from then on, without a token.
//
// [Rotation] is the rest: it requests the certificate of the node's server, and both anew long before they end.
//
// What it promises: nobody is trusted blindly; nothing is written before all is there; and each thing that goes wrong is one
// sentence with what to do. It runs no node.
package nodebootstrap
