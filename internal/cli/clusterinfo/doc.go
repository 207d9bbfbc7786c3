// Package clusterinfo is what a machine that is to become a node learns of its cluster, as kubeadm has it: the ConfigMap cluster-info in the
// namespace kube-public, which everybody can read and bootstrap tokens sign, and, once the machine is let in, the ConfigMap
// orrery-config in kube-system.
//
// It owns the keys kubeconfig and config of these, and how an authority is told by its public key. It promises that what is
// published is what is read. It neither signs nor decides whom to trust.
package clusterinfo
