package signingrequest

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/plan"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Approve is the step that approves a request as it was observed, with a message. Approval is a subresource of its own.
func Approve(request *certificatesv1.CertificateSigningRequest, message string) plan.Step {
	return &approve{request, message}
}

type approve struct {
	request *certificatesv1.CertificateSigningRequest
	message string
}

func (*approve) Verb() string { return "approve" }

func (s *approve) String() string { return "approve CertificateSigningRequest " + s.request.Name }

func (s *approve) Why() string { return s.message }

// Do adds the condition to the request as it was observed. One that is gone needs none.
func (s *approve) Do(ctx context.Context, act plan.Actor) error {
	approved := s.request.DeepCopy()
	approved.ResourceVersion = act.ResourceVersion(s.request)
	approved.Status.Conditions = append(approved.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "AutoApproved", Message: s.message,
	})
	if err := act.SubResource("approval").Update(ctx, approved); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("approving CertificateSigningRequest %s: %w", s.request.Name, err)
	}
	return nil
}
