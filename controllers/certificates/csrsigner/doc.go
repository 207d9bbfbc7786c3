// Package csrsigner signs CertificateSigningRequests that have been approved. It is kube-controller-manager's
// certificatesigningrequest-signing-controller.
//
// It watches CertificateSigningRequests, and owns the certificate in their status, and the condition Failed of those that it does
// not sign. It is these signers, all of which sign with one authority:
//
//	kubernetes.io/kube-apiserver-client          clients of the API server, for the usages of a client
//	kubernetes.io/kube-apiserver-client-kubelet  kubelets as clients of the API server: of system:nodes, named system:node:NAME
//	kubernetes.io/kubelet-serving                kubelets as servers: the same, with the addresses or names that they answer to
//	kubernetes.io/legacy-unknown                 anybody, for anything but to be an authority
//
// # What it promises
//
//   - Only what was approved and not denied is signed, and once.
//   - A request that is not what its signer signs gets the condition Failed with the reason SignerValidationFailure and a message that
//     says why, and is never looked at again.
//   - A certificate has the subject, the alternative names and the usages that are asked for, none of the extensions, and is never an
//     authority's. It is good for as long as spec.expirationSeconds says, for ten minutes at least, and at most for as long as
//     [Options] say, which counts where nothing is said. None outlasts the authority. It begins five minutes ago, for clocks that
//     are behind, and those of eight hours and more end these five minutes earlier.
//   - The key is in no plan, event, log or error: the loop hands out what is to be signed, and never has it.
//
// # What it never does
//
// It approves nothing. Requests for other signers are somebody else's. It does not run where nobody has the authority's key: see
// [Options].
package csrsigner
