package serviceaccount

import (
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestEveryNamespaceHasItsAccount lets users delete accounts, under both namings: in the end each namespace has one, but
// for one that is being deleted.
func TestEveryNamespaceHasItsAccount(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				deleted := metav1.NewTime(looptest.Begin)
				return []client.Object{
					&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}},
					&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "b"}},
					&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "going", DeletionTimestamp: &deleted, Finalizers: []string{"keep"}}},
				}
			},
			Change: func(t *rapid.T, w *looptest.World) {
				namespace := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "namespace")
				account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
				if err := w.Client("user").Delete(t.Context(), account); client.IgnoreNotFound(err) != nil {
					t.Fatal(err)
				}
			},
			Converged: func(w *looptest.World) error {
				accounts := looptest.All[*corev1.ServiceAccount](w)
				if len(accounts) != 2 || accounts[0].Namespace != "a" || accounts[1].Namespace != "b" {
					return fmt.Errorf("the accounts are %v", accounts)
				}
				return nil
			},
		})
	})
}
