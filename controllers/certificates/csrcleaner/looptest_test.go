package csrcleaner

import (
	"fmt"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestRequestsGoWhenTheirTimeIsOver lets requests come, and be decided about as time goes by, under both namings: none goes within an
// hour, and in the end none is left.
func TestRequestsGoWhenTheirTimeIsOver(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{request("a", metav1.NewTime(looptest.Begin)), request("b", metav1.NewTime(looptest.Begin.Add(-23*time.Hour)))}
			},
			Change:     decideOrWait,
			Invariants: []looptest.Invariant{neverEarly},
			Converged: func(w *looptest.World) error {
				if left := looptest.All[*certificatesv1.CertificateSigningRequest](w); len(left) > 0 {
					return fmt.Errorf("%d requests are left", len(left))
				}
				return nil
			},
		})
	})
}

func decideOrWait(t *rapid.T, w *looptest.World) {
	requests := looptest.All[*certificatesv1.CertificateSigningRequest](w)
	if len(requests) == 0 || rapid.Bool().Draw(t, "waits") {
		w.Step(time.Duration(rapid.IntRange(1, 600).Draw(t, "minutes")) * time.Minute)
		return
	}
	r := requests[rapid.IntRange(0, len(requests)-1).Draw(t, "request")]
	if len(r.Status.Conditions) > 0 {
		return
	}
	kind := rapid.SampledFrom([]certificatesv1.RequestConditionType{certificatesv1.CertificateApproved, certificatesv1.CertificateDenied}).Draw(t, "decision")
	looptest.Edit(w, "approver", r, says(kind, metav1.NewTime(w.Now())))
}

func neverEarly(w *looptest.World, wrote looptest.Write) error {
	went, ok := wrote.Before.(*certificatesv1.CertificateSigningRequest)
	if !ok || wrote.After != nil {
		return nil
	}
	last := went.CreationTimestamp.Time
	for _, condition := range went.Status.Conditions {
		last = condition.LastUpdateTime.Time
	}
	if age := w.Now().Sub(last); age < time.Hour {
		return fmt.Errorf("request %s was decided about %s ago, and goes", went.Name, age)
	}
	return nil
}
