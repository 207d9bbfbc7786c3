package csrapprover

import (
	"errors"
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/signingrequest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestWhoMayIsApproved lets rights be given, and people decide, under both namings: nobody is approved who may not be, nor after
// somebody has decided, and in the end all are that may.
func TestWhoMayIsApproved(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					gen.CertificateSigningRequest("self"), gen.CertificateSigningRequest("boot", by("system:bootstrap:abcdef")),
					gen.CertificateSigningRequest("jane", by("jane")), gen.CertificateSigningRequest("serving", uses(certificatesv1.UsageServerAuth)),
				}
			},
			Prepare: func(w *looptest.World) {
				w.Reviews = may("system:node:one/selfnodeclient", "system:bootstrap:abcdef/nodeclient")
				w.Subresources = map[string]func(stored, body client.Object) error{"approval": approval}
			},
			Change: func(t *rapid.T, w *looptest.World) {
				requests := looptest.All[*certificatesv1.CertificateSigningRequest](w)
				r := requests[rapid.IntRange(0, len(requests)-1).Draw(t, "request")]
				if approved, denied := signingrequest.Decided(r); !approved && !denied {
					looptest.Edit(w, "person", r, gen.Says(certificatesv1.CertificateDenied, metav1.NewTime(w.Now())))
				}
			},
			Invariants: []looptest.Invariant{nobodyElse},
			Converged: func(w *looptest.World) error {
				for _, r := range looptest.All[*certificatesv1.CertificateSigningRequest](w) {
					approved, denied := signingrequest.Decided(r)
					if mayBe := r.Name == "self" || r.Name == "boot"; approved != (mayBe && !denied) {
						return fmt.Errorf("request %s: approved %t, denied %t", r.Name, approved, denied)
					}
				}
				return nil
			},
		})
	})
}

// approval takes over conditions, as the API server does.
func approval(stored, body client.Object) error {
	if stored.GetResourceVersion() != body.GetResourceVersion() {
		return apierrors.NewConflict(schema.GroupResource{Resource: "certificatesigningrequests"}, stored.GetName(), errors.New("it has changed"))
	}
	stored.(*certificatesv1.CertificateSigningRequest).Status.Conditions = body.(*certificatesv1.CertificateSigningRequest).Status.Conditions
	return nil
}

func nobodyElse(_ *looptest.World, wrote looptest.Write) error {
	before, was := wrote.Before.(*certificatesv1.CertificateSigningRequest)
	if !was || wrote.By == "person" {
		return nil
	}
	approved, denied := signingrequest.Decided(before)
	if approved || denied || before.Name != "self" && before.Name != "boot" {
		return fmt.Errorf("request %s is approved: approved before %t, denied before %t", before.Name, approved, denied)
	}
	return nil
}
