// Package pcrcleaner deletes PodCertificateRequests that are a quarter of an hour old. It is kube-controller-manager's
// podcertificaterequest-cleaner-controller.
//
// It watches PodCertificateRequests, and owns nothing of theirs. A node agent has read the answer long before; whether there was one
// makes no difference.
//
// It signs none: the one signer that Kubernetes documents for them, kubernetes.io/kube-apiserver-client-pod, is not implemented
// anywhere as of 1.37. Signers of one's own are programs that watch these requests.
package pcrcleaner
