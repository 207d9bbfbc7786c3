package csrapprover

import (
	"crypto/x509"

	certificatesv1 "k8s.io/api/certificates/v1"
)

// right is one by which somebody may have a certificate.
type right struct {
	// subresource of certificatesigningrequests is what they may create.
	subresource string
	// concerns reports that the right is about such a request.
	concerns func(request *certificatesv1.CertificateSigningRequest, asked *x509.CertificateRequest) bool
	// message is what the approval says.
	message string
}

// rights are tried in this order.
var rights = []right{
	{
		subresource: "selfnodeclient",
		concerns: func(request *certificatesv1.CertificateSigningRequest, asked *x509.CertificateRequest) bool {
			return request.Spec.Username == asked.Subject.CommonName
		},
		message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
	},
	{
		subresource: "nodeclient",
		concerns:    func(*certificatesv1.CertificateSigningRequest, *x509.CertificateRequest) bool { return true },
		message:     "Auto approving kubelet client certificate after SubjectAccessReview.",
	},
}
