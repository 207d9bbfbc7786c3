package csrsigner

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestWhatWasApprovedIsSignedOnce lets requests be approved and denied, under both namings: none is signed before somebody has approved
// it, nor twice, and in the end each that was approved has its certificate, or says why not.
func TestWhatWasApprovedIsSignedOnce(t *testing.T) {
	_, options := signing(t)
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop(options)},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					gen.CertificateSigningRequest("good"),
					gen.CertificateSigningRequest("late", approved),
					gen.CertificateSigningRequest("bad", uses(certificatesv1.UsageCodeSigning)),
					gen.CertificateSigningRequest("other", signedBy("example.com/signer")),
				}
			},
			Change:     decideAboutOne,
			Invariants: []looptest.Invariant{onlyOnceAndApproved},
			Converged:  eachIsAnswered,
		})
	})
}

func decideAboutOne(t *rapid.T, w *looptest.World) {
	requests := looptest.All[*certificatesv1.CertificateSigningRequest](w)
	r := requests[rapid.IntRange(0, len(requests)-1).Draw(t, "request")]
	kind := rapid.SampledFrom([]certificatesv1.RequestConditionType{certificatesv1.CertificateApproved, certificatesv1.CertificateDenied}).Draw(t, "decision")
	if approved, denied := signingrequest.Decided(r); !approved && !denied {
		looptest.Edit(w, "approver", r, gen.Says(kind, metav1.NewTime(w.Now().Truncate(time.Second))))
	}
}

func onlyOnceAndApproved(_ *looptest.World, wrote looptest.Write) error {
	before, was := wrote.Before.(*certificatesv1.CertificateSigningRequest)
	after, is := wrote.After.(*certificatesv1.CertificateSigningRequest)
	if !was || !is || wrote.By == "approver" {
		return nil
	}
	approved, denied := signingrequest.Decided(before)
	switch {
	case !approved || denied:
		return fmt.Errorf("request %s was not approved", after.Name)
	case len(before.Status.Certificate) > 0 || signingrequest.Failed(before):
		return fmt.Errorf("request %s was answered before", after.Name)
	case !equality.Semantic.DeepEqual(after.Status.Conditions[:len(before.Status.Conditions)], before.Status.Conditions):
		return fmt.Errorf("request %s lost what was said of it", after.Name)
	default:
		return nil
	}
}

func eachIsAnswered(w *looptest.World) error {
	for _, r := range looptest.All[*certificatesv1.CertificateSigningRequest](w) {
		approved, denied := signingrequest.Decided(r)
		mine := approved && !denied && r.Spec.SignerName != "example.com/signer"
		if signed := len(r.Status.Certificate) > 0; signed != (mine && r.Name != "bad") {
			return fmt.Errorf("request %s: approved %t, denied %t, signed %t", r.Name, approved, denied, signed)
		}
		if signingrequest.Failed(r) != (mine && r.Name == "bad") {
			return fmt.Errorf("request %s says %v", r.Name, r.Status.Conditions)
		}
		if len(r.Status.Certificate) == 0 {
			continue
		}
		if certificate, err := certificateIn(r); err != nil {
			return fmt.Errorf("request %s: %w", r.Name, err)
		} else if certificate.Subject.CommonName != "system:node:one" {
			return errors.New("the certificate is for " + certificate.Subject.CommonName)
		}
	}
	return nil
}
