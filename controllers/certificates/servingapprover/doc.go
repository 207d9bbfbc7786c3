// Package servingapprover approves CertificateSigningRequests for the certificate that a node shows as a server, where it is for
// that node's own name and addresses. None of kube-controller-manager's controllers does that: there a person approves them, or
// software that somebody adds. Here it is turned on and off with certificatesigningrequest-approving-controller.
//
// It watches CertificateSigningRequests, and reads Nodes, and the Service kubernetes with its EndpointSlices. It owns the condition
// Approved of those requests that it approves.
//
// # What it promises
//
//   - It looks at requests for the signer kubernetes.io/kubelet-serving that nobody has decided about, and which ask for what that
//     signer signs.
//   - It approves a request if all of this holds: who made it is the node that the certificate names; it may create
//     certificatesigningrequests/selfnodeserver, of which the API server is asked by a SubjectAccessReview, and which by default nobody
//     may; the only DNS name is the node's own; and each IP address is one of the Node's, of no other Node's, no loopback address,
//     and none at which the Service kubernetes is reached. The condition has the reason AutoApproved.
//   - Otherwise its plan says which of these does not hold, and the request is looked at again after as long as it has waited, and at least
//     every 17 minutes: a Node may get its address later.
//
// # What it never does
//
// It denies nothing, and signs nothing. It believes a Node's status about its addresses, but for what is said above: which machine has
// an address it cannot know.
package servingapprover
