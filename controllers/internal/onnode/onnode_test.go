package onnode_test

import (
	"slices"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestPodsOfANode(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		t.Run("from a cache, by the index", func(t *testing.T) {
			w := looptest.NewWorld(scheme)
			for _, index := range loop.NewGroup("any", loop.GroupController[int](nil), onnode.Indexed()).Indexes() {
				if err := w.Index(index.Object, index.Field, index.Values); err != nil {
					t.Fatal(err)
				}
			}
			finds(t, w)
		})
		t.Run("from the API server, by the field", func(t *testing.T) { finds(t, looptest.NewWorld(scheme)) })
	})
}

func finds(t *testing.T, w *looptest.World) {
	for _, p := range []struct{ name, node string }{{"one", "a"}, {"two", "a"}, {"other", "b"}, {"pending", ""}} {
		pod := gen.Pod(p.name)
		pod.Spec.NodeName, pod.Status.Phase = p.node, corev1.PodSucceeded
		pod.UID, pod.ResourceVersion = "", ""
		if err := w.Client("user").Create(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, node string
		want       []string
	}{
		{"those that are bound to it, also when they have ended", "a", []string{"one", "two"}},
		{"none of a node that has none", "c", nil},
		{"none of no node", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys, err := onnode.Keys(t.Context(), w.Client("loop"), test.node)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, key := range keys {
				names = append(names, key.Name)
			}
			slices.Sort(names)
			if !slices.Equal(names, test.want) {
				t.Errorf("they are %v, want %v", names, test.want)
			}
		})
	}
}
