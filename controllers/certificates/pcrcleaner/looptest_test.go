package pcrcleaner

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

// TestRequestsGoWhenTheyAreOld lets requests come as time goes by, under both namings: none goes early, and in the end none is left.
func TestRequestsGoWhenTheyAreOld(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{request("old", metav1.NewTime(looptest.Begin.Add(-time.Hour))), request("new", metav1.NewTime(looptest.Begin))}
			},
			Change: func(t *rapid.T, w *looptest.World) {
				if rapid.Bool().Draw(t, "waits") {
					w.Step(time.Duration(rapid.IntRange(1, 20).Draw(t, "minutes")) * time.Minute)
					return
				}
				again := request(rapid.SampledFrom([]string{"old", "more"}).Draw(t, "name"), metav1.Time{})
				if err := w.Client("kubelet").Create(t.Context(), again); client.IgnoreAlreadyExists(err) != nil {
					t.Fatal(err)
				}
			},
			Invariants: []looptest.Invariant{func(w *looptest.World, wrote looptest.Write) error {
				went, ok := wrote.Before.(*certificatesv1.PodCertificateRequest)
				if !ok || wrote.After != nil {
					return nil
				}
				if age := w.Now().Sub(went.CreationTimestamp.Time); age < kept {
					return fmt.Errorf("request %s went when it was %s old", went.Name, age)
				}
				return nil
			}},
			Converged: func(w *looptest.World) error {
				if left := looptest.All[*certificatesv1.PodCertificateRequest](w); len(left) > 0 {
					return fmt.Errorf("%d requests are left", len(left))
				}
				return nil
			},
		})
	})
}
