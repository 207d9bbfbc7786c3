package servingapprover

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

// TestOnlyOwnServersAreApproved lets people decide and deny, under both namings: nothing is approved but a node's own server, nor after
// somebody has decided, and in the end that is.
func TestOnlyOwnServersAreApproved(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return append(server(), node("one", "192.0.2.1"), node("two", "192.0.2.2"),
					serving("own"), serving("neighbour", asks(nil, "192.0.2.2")), serving("server", asks([]string{"kubernetes"})), serving("jane", by("jane")))
			},
			Prepare: func(w *looptest.World) {
				w.Reviews = map[string]func(client.Object) error{"SubjectAccessReview": nodesMay}
				w.Subresources = map[string]func(stored, body client.Object) error{"approval": approval}
			},
			Change: func(t *rapid.T, w *looptest.World) {
				requests := looptest.All[*certificatesv1.CertificateSigningRequest](w)
				r := requests[rapid.IntRange(0, len(requests)-1).Draw(t, "request")]
				if approved, denied := signingrequest.Decided(r); !approved && !denied {
					looptest.Edit(w, "person", r, gen.Says(certificatesv1.CertificateDenied, metav1.NewTime(w.Now())))
				}
			},
			Invariants: []looptest.Invariant{nothingElse},
			Converged: func(w *looptest.World) error {
				for _, r := range looptest.All[*certificatesv1.CertificateSigningRequest](w) {
					if approved, denied := signingrequest.Decided(r); approved != (r.Name == "own" && !denied) {
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

func nothingElse(_ *looptest.World, wrote looptest.Write) error {
	before, was := wrote.Before.(*certificatesv1.CertificateSigningRequest)
	if !was || wrote.By == "person" {
		return nil
	}
	if approved, denied := signingrequest.Decided(before); approved || denied || before.Name != "own" {
		return fmt.Errorf("request %s is approved: approved before %t, denied before %t", before.Name, approved, denied)
	}
	return nil
}
