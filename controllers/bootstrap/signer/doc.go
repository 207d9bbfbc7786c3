// Package signer signs the ConfigMap cluster-info in the namespace kube-public with bootstrap tokens, so that a new node which was
// given a token knows that it reads what the cluster's owner wrote. It is kube-controller-manager's bootstrap-signer-controller, and
// like that it runs only where it is named: --controllers=*,bootstrap-signer-controller.
//
// It watches that ConfigMap, and Secrets of the type bootstrap.kubernetes.io/token in the namespace kube-system. It owns the keys of the
// ConfigMap that begin with jws-kubeconfig-.
//
// # What it promises
//
//   - For each token that is good for signing (usage-bootstrap-signing is "true"), has not expired and is in the Secret that its
//     id names, there is a key jws-kubeconfig-ID with a detached JSON Web Signature of the key kubeconfig. There are no other such keys.
//   - Where there is no key kubeconfig, nothing is signed, and nothing is taken away.
//   - No token is in a plan, an event, a log or an error, and the loop sees no Secrets but those.
//
// It does not make the ConfigMap: that is who lets nodes join, as kubeadm does.
package signer
