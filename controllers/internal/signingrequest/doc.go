// Package signingrequest knows what CertificateSigningRequests ask for: how a request is read, what has been decided about it, and
// what the certificates of kubelets have to be like. The rules and their sentences are Kubernetes', of package
// k8s.io/kubernetes/pkg/apis/certificates.
//
// It decides nothing, and reads nothing but the request. It has the question about who made a request, and the step by which one is
// approved, for the loops that decide.
package signingrequest
