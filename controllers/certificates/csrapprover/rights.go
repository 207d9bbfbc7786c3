package csrapprover

import (
	"crypto/x509"

	authorizationv1 "k8s.io/api/authorization/v1"
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

// review asks whether who made a request has the right.
func (r *right) review(request *certificatesv1.CertificateSigningRequest) *authorizationv1.SubjectAccessReview {
	extra := make(map[string]authorizationv1.ExtraValue, len(request.Spec.Extra))
	for key, value := range request.Spec.Extra {
		extra[key] = authorizationv1.ExtraValue(value)
	}
	return &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: request.Spec.Username, UID: request.Spec.UID, Groups: request.Spec.Groups, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Group: certificatesv1.GroupName, Version: "*", Resource: "certificatesigningrequests", Subresource: r.subresource, Verb: "create",
		},
	}}
}
