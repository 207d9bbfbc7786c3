package rootcacertpublisher

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

// TestEveryNamespaceHasTheCertificates lets users delete and change what is published, under both namings: in the end
// each namespace has it as it should be.
func TestEveryNamespaceHasTheCertificates(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop([]byte("bundle"))},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}},
					&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "b"}},
				}
			},
			Change:    spoil,
			Converged: allIsThere,
		})
	})
}

func spoil(t *rapid.T, w *looptest.World) {
	namespace := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "namespace")
	published := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: configMapName}}
	var err error
	switch rapid.IntRange(0, 1).Draw(t, "what") {
	case 0:
		err = w.Client("user").Delete(t.Context(), published)
	default:
		looptest.Edit(w, "user", published, func(published *corev1.ConfigMap) {
			published.Data = map[string]string{dataKey: "mine", "more": "x"}
			published.Annotations = nil
		})
	}
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

func allIsThere(w *looptest.World) error {
	published := looptest.All[*corev1.ConfigMap](w)
	if len(published) != 2 {
		return fmt.Errorf("there are %d ConfigMaps", len(published))
	}
	for _, p := range published {
		if len(p.Data) != 1 || p.Data[dataKey] != "bundle" || p.Annotations[descriptionAnnotation] == "" {
			return fmt.Errorf("in namespace %s is published %v %v", p.Namespace, p.Data, p.Annotations)
		}
	}
	return nil
}
