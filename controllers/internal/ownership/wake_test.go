package ownership_test

import (
	"slices"
	"testing"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestWhoMightAdoptAnOrphanIsWoken(t *testing.T) {
	l := loop.New("claimer", claimer{}, ownership.WakesAdopters[*oappsv1.ReplicaSet, *ocorev1.Pod](
		&oappsv1.ReplicaSetList{}, func(rs *oappsv1.ReplicaSet) *metav1.LabelSelector { return rs.Spec.Selector }))
	watch := l.Watches()[1]
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		elsewhere := gen.ReplicaSet("web", 1)
		elsewhere.Namespace = "elsewhere"
		w := looptest.NewWorld(scheme)
		w.Put(gen.ReplicaSet("web", 1), gen.ReplicaSet("db", 1), elsewhere)
		for _, tt := range []struct {
			name string
			pod  *ocorev1.Pod
			want []string
		}{
			{"by an orphan that it selects", gen.Pod("p", gen.Labelled("app", "web")), []string{"default/web"}},
			{"not by one that nobody selects", gen.Pod("p", gen.Labelled("app", "cache")), nil},
			{"not by what has a controller", gen.Pod("p", gen.Of(somebody, "ReplicaSet", web)), nil},
		} {
			t.Run(tt.name, func(t *testing.T) {
				keys, err := watch.Wakes(t.Context(), w.Client("claimer"), nil, tt.pod)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, key := range keys {
					got = append(got, key.String())
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("woken are %v, want %v", got, tt.want)
				}
			})
		}
	})
}
