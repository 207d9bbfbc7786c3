package tokencleaner

import (
	"fmt"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	bootstrapsecrets "k8s.io/cluster-bootstrap/util/secrets"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestTokensGoWhenTheyExpire lets time pass and people prolong tokens, under both namings: none goes early, and in the end all have gone
// that expire.
func TestTokensGoWhenTheyExpire(t *testing.T) {
	at := func(when time.Time) func(*corev1.Secret) { return expires(when.Format(time.RFC3339)) }
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					token("aaaaaa", at(looptest.Begin.Add(time.Hour))), token("bbbbbb", at(looptest.Begin.Add(-time.Hour))), token("stays1"),
					token("stays2", expires("x"), func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque }),
				}
			},
			Change: func(t *rapid.T, w *looptest.World) {
				if rapid.Bool().Draw(t, "waits") {
					w.Step(time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes")) * time.Minute)
					return
				}
				looptest.Edit(w, "user", token("aaaaaa"), at(w.Now().Add(2*time.Hour)))
			},
			Invariants: []looptest.Invariant{func(w *looptest.World, wrote looptest.Write) error {
				went, ok := wrote.Before.(*corev1.Secret)
				if ok && wrote.After == nil && !bootstrapsecrets.HasExpired(went, w.Now()) {
					return fmt.Errorf("token %s went before it expired", went.Name)
				}
				return nil
			}},
			Converged: func(w *looptest.World) error {
				if left := looptest.All[*corev1.Secret](w); len(left) != 2 {
					return fmt.Errorf("%d Secrets are left", len(left))
				}
				return nil
			},
		})
	})
}
