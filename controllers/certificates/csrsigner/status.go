package csrsigner

import (
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// failed is a request with the condition that says why it is not signed.
func failed(request *certificatesv1.CertificateSigningRequest, why error, now time.Time) *certificatesv1.CertificateSigningRequest {
	refused := request.DeepCopy()
	refused.Status.Conditions = append(refused.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type:           certificatesv1.CertificateFailed,
		Status:         corev1.ConditionTrue,
		Reason:         "SignerValidationFailure",
		Message:        why.Error(),
		LastUpdateTime: metav1.NewTime(now),
	})
	return refused
}
