// Package csrapprover approves CertificateSigningRequests by which kubelets become known to the API server, where who asks may have
// such a certificate. It is kube-controller-manager's certificatesigningrequest-approving-controller.
//
// It watches CertificateSigningRequests, and owns the condition Approved of those that it approves.
//
// # What it promises
//
//   - It looks at requests for the signer kubernetes.io/kube-apiserver-client-kubelet that nobody has decided about, and which ask for
//     what that signer signs: the client certificate of a node.
//   - Who asks for the certificate of its own node name is approved if it may create certificatesigningrequests/selfnodeclient, and
//     who asks for one of any node if it may create certificatesigningrequests/nodeclient. The API server is asked, by a
//     SubjectAccessReview of who made the request. The condition has the reason AutoApproved, and says which of the two it was.
//   - Who may not is asked about again, after as long as the request has waited, and at least every 17 minutes: rights may
//     be given later.
//
// # What it never does
//
// It denies nothing, approves no serving certificates, and signs nothing.
package csrapprover
