package podcontrol_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/podcontrol"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// turnover deletes all pods that there are, and creates two.
type turnover struct{}

func (turnover) Observe(ctx context.Context, view loop.View, _ *oappsv1.ReplicaSet) (ocorev1.PodList, error) {
	var pods ocorev1.PodList
	return pods, view.List(ctx, &pods)
}

func (turnover) Plan(rs *oappsv1.ReplicaSet, pods ocorev1.PodList, _ time.Time) *plan.Plan {
	p := plan.New()
	var all []*ocorev1.Pod
	for i := range pods.Items {
		all = append(all, &pods.Items[i])
	}
	podcontrol.Delete(p, "they are old", rs, all)
	podcontrol.Create(p, "2 are wanted", rs, rs.Spec.Selector, podtemplate.Pods(rs, &rs.Spec.Template, 2))
	return p
}

// pass makes a pass over the ReplicaSet web, which has the pod old, in a world that refuses as it is told. It returns the
// events and the world.
func pass(t *testing.T, scheme *runtime.Scheme, refuse func(looptest.Write) error, changes ...func(*oappsv1.ReplicaSet)) ([]string, *looptest.World) {
	t.Helper()
	w := looptest.NewWorld(scheme)
	w.Put(gen.ReplicaSet("web", 2, changes...), gen.Pod("old"))
	w.Refuse = refuse
	recorder := events.NewFakeRecorder(10)
	names := 0
	r := loop.New("turnover", turnover{}).Reconciler(loop.Cluster{
		Client: w.Client("turnover"), Events: recorder, SideBySide: 1,
		Names: func(prefix string) string { names++; return prefix + string(rune('a'+names-1)) },
	})
	// What went wrong is in the events.
	_, _ = r.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: gen.Namespace, Name: "web"}})
	var said []string
	for len(recorder.Events) > 0 {
		said = append(said, <-recorder.Events)
	}
	return said, w
}

func TestEventsAreThoseOfKubernetes(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		refuses := func(verb string) func(looptest.Write) error {
			return func(w looptest.Write) error {
				if w.Verb == verb {
					return errors.New("no")
				}
				return nil
			}
		}
		for _, tt := range []struct {
			name   string
			refuse func(looptest.Write) error
			want   []string
		}{
			{"all goes well", nil,
				[]string{"Normal SuccessfulDelete Deleted pod: old", "Normal SuccessfulCreate Created pod: web-a", "Normal SuccessfulCreate Created pod: web-b"}},
			{"pods cannot be created", refuses("create"),
				[]string{"Normal SuccessfulDelete Deleted pod: old", "Warning FailedCreate Error creating: no"}},
			{"pods cannot be deleted", refuses("delete"), []string{"Warning FailedDelete Error deleting: no"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got, _ := pass(t, scheme, tt.refuse)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("events differ (-want +got):\n%s", diff)
				}
			})
		}
	})
}

func TestPodsThatTheirOwnerDoesNotSelectAreNotMade(t *testing.T) {
	for name, selector := range map[string]*metav1.LabelSelector{
		"another":          {MatchLabels: map[string]string{"app": "others"}},
		"none":             nil,
		"one that is none": {MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Near"}}},
	} {
		t.Run(name, func(t *testing.T) {
			said, w := pass(t, gen.Schemes(t)[apis.Kubernetes], nil, func(rs *oappsv1.ReplicaSet) { rs.Spec.Selector = selector })
			want := []string{"Normal SuccessfulDelete Deleted pod: old", "Warning FailedCreate Error creating: `selector` does not match template `labels`"}
			if diff := cmp.Diff(want, said); diff != "" {
				t.Errorf("events differ (-want +got):\n%s", diff)
			}
			if pods := looptest.All[*ocorev1.Pod](w); len(pods) > 0 {
				t.Errorf("%d pods were made", len(pods))
			}
		})
	}
}

func TestPodsBelongToTheirOwner(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		_, w := pass(t, scheme, nil)
		pods := looptest.All[*ocorev1.Pod](w)
		if len(pods) != 2 {
			t.Fatalf("there are %d pods, want 2", len(pods))
		}
		for _, pod := range pods {
			if owner := metav1.GetControllerOf(pod); owner == nil || owner.Name != "web" || owner.Kind != "ReplicaSet" {
				t.Errorf("pod %s has the controller %+v", pod.Name, owner)
			}
		}
	})
}
