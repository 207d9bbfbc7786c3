package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: "1", ResourceVersion: "7"}}
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: "2", ResourceVersion: "8"}}
}

// with is a changed copy of an object.
func with[T client.Object](obj T, change func(T)) T {
	obj = obj.DeepCopyObject().(T)
	change(obj)
	return obj
}

func labelled(name string) *corev1.ConfigMap {
	return with(configMap(name), func(c *corev1.ConfigMap) { c.Labels = map[string]string{"tier": "web"} })
}

func toWeb(c *corev1.ConfigMap) { c.Labels = map[string]string{"tier": "web"} }

const hold = "example.org/hold"

func held(name string) *corev1.Pod {
	return with(pod(name), func(p *corev1.Pod) { p.Finalizers = []string{hold} })
}

func running(name string) *corev1.Pod {
	return with(pod(name), func(p *corev1.Pod) { p.Status.Phase = corev1.PodRunning })
}

func TestPlanInProse(t *testing.T) {
	generated := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "web-"}}
	for _, tt := range []struct {
		name  string
		build func(*plan.Plan)
		want  []string
	}{
		{
			name:  "an empty plan",
			build: func(*plan.Plan) {},
			want:  []string{"nothing to do"},
		},
		{
			name:  "one object is named",
			build: func(p *plan.Plan) { p.Create("it is missing", configMap("a")) },
			want:  []string{"create ConfigMap default/a: it is missing"},
		},
		{
			name:  "several of one kind are counted",
			build: func(p *plan.Plan) { p.Delete("too many", pod("a"), pod("b"), pod("c"), pod("d")) },
			want:  []string{"delete 4 Pods (default/a, default/b, default/c, ...): too many"},
		},
		{
			name:  "generated names are told once",
			build: func(p *plan.Plan) { p.Create("3 wanted", generated, generated, generated) },
			want:  []string{"create 3 Pods (default/web-*): 3 wanted"},
		},
		{
			name: "kinds have the plural of their resources",
			build: func(p *plan.Plan) {
				p.Delete("leaving", &networkingv1.Ingress{}, &networkingv1.Ingress{})
				p.Delete("leaving", &networkingv1.NetworkPolicy{}, &networkingv1.NetworkPolicy{})
			},
			want: []string{"delete 2 Ingresses (*): leaving", "delete 2 NetworkPolicies (*): leaving"},
		},
		{
			name:  "several kinds are objects",
			build: func(p *plan.Plan) { p.Delete("cleaning up", pod("a"), configMap("b")) },
			want:  []string{"delete 2 objects: cleaning up"},
		},
		{
			name: "a patch shows what it changes",
			build: func(p *plan.Plan) {
				p.Patch("for the selector", configMap("a"), labelled("a"))
			},
			want: []string{`patch ConfigMap default/a {"metadata":{"labels":{"tier":"web"}}}: for the selector`},
		},
		{
			name:  "a status needs no reason",
			build: func(p *plan.Plan) { p.Status(pod("a"), running("a")) },
			want:  []string{`status Pod default/a {"status":{"phase":"Running"}}`},
		},
		{
			name:  "an object without a namespace is named by its name",
			build: func(p *plan.Plan) { p.Delete("gone", &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}) },
			want:  []string{"delete Node n1: gone"},
		},
		{
			name: "what is applied is named, typed or not",
			build: func(p *plan.Plan) {
				p.Apply("wanted", corev1apply.ConfigMap("a", "default"))
				u := &unstructured.Unstructured{}
				u.SetAPIVersion("example.org/v1")
				u.SetKind("Gadget")
				u.SetName("g")
				p.Apply("wanted", client.ApplyConfigurationFromUnstructured(u))
			},
			want: []string{"apply ConfigMap default/a: wanted", "apply Gadget g: wanted"},
		},
		{
			name:  "an eviction",
			build: func(p *plan.Plan) { plan.EvictAll(p, "the node is drained", []*corev1.Pod{pod("a"), pod("b")}) },
			want:  []string{"evict 2 Pods (default/a, default/b): the node is drained"},
		},
		{
			name: "a scale says from what to what",
			build: func(p *plan.Plan) {
				p.Scale("it is busy", &corev1.ReplicationController{ObjectMeta: pod("web").ObjectMeta}, 3, 5)
			},
			want: []string{"scale ReplicationController default/web from 3 to 5: it is busy"},
		},
		{
			name: "patches that are alike are told once",
			build: func(p *plan.Plan) {
				plan.PatchEach(p, "they serve", []*corev1.ConfigMap{configMap("a"), labelled("b"), configMap("c")}, toWeb)
			},
			want: []string{`patch 2 ConfigMaps (default/a, default/c) {"metadata":{"labels":{"tier":"web"}}}: they serve`},
		},
		{
			name: "patches that differ are counted",
			build: func(p *plan.Plan) {
				plan.PatchEach(p, "they serve", []*corev1.ConfigMap{configMap("a"), configMap("b")}, func(c *corev1.ConfigMap) {
					c.Labels = map[string]string{"serves": c.Name}
				})
			},
			want: []string{"patch 2 ConfigMaps (default/a, default/b), each in its own way: they serve"},
		},
		{
			name: "finalizers are named",
			build: func(p *plan.Plan) {
				p.AddFinalizer("it is counted", pod("a"), hold)
				p.RemoveFinalizer("it has been counted", held("b"), hold)
			},
			want: []string{
				"add finalizer example.org/hold to Pod default/a: it is counted",
				"remove finalizer example.org/hold from Pod default/b: it has been counted",
			},
		},
		{
			name: "slices of one kind",
			build: func(p *plan.Plan) {
				plan.CreateAll(p, "missing", []*corev1.Pod{pod("a"), pod("b")})
				plan.DeleteAll(p, "surplus", []*corev1.Pod{pod("c")})
			},
			want: []string{"create 2 Pods (default/a, default/b): missing", "delete Pod default/c: surplus"},
		},
		{
			name:  "an event",
			build: func(p *plan.Plan) { p.Event(pod("a"), plan.Warning, "Sad", "%d of %d", 1, 2) },
			want:  []string{"event Warning Sad for Pod default/a: 1 of 2"},
		},
		{
			name: "the earliest time to look again",
			build: func(p *plan.Plan) {
				p.After(time.Hour, "the certificate ends")
				p.After(time.Minute, "the deadline passes")
				p.After(2*time.Minute, "the lease ends")
			},
			want: []string{"nothing to do", "look again in 1m0s: the deadline passes"},
		},
		{
			name:  "a time that has passed means at once",
			build: func(p *plan.Plan) { p.After(-time.Hour, "it is late") },
			want:  []string{"nothing to do", "look again in 1ms: it is late"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan.New()
			tt.build(p)
			if diff := cmp.Diff(strings.Join(tt.want, "\n"), p.String()); diff != "" {
				t.Errorf("the plan differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanLeavesOutWhatChangesNothing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		build func(*plan.Plan)
	}{
		{"creating nothing", func(p *plan.Plan) { p.Create("none is missing") }},
		{"deleting nothing", func(p *plan.Plan) { p.Delete("none is too many") }},
		{"patching into the same", func(p *plan.Plan) { p.Patch("no change", configMap("a"), configMap("a")) }},
		{"patching nil into empty", func(p *plan.Plan) {
			p.Patch("no change", configMap("a"), with(configMap("a"), func(c *corev1.ConfigMap) { c.Data = map[string]string{} }))
		}},
		{"patching nothing but the status", func(p *plan.Plan) { p.Patch("no business of a patch", pod("a"), running("a")) }},
		{"a status that is as it was", func(p *plan.Plan) { p.Status(pod("a"), pod("a")) }},
		{"a status where only the spec differs", func(p *plan.Plan) {
			p.Status(pod("a"), with(pod("a"), func(p *corev1.Pod) { p.Spec.NodeName = "n1" }))
		}},
		{"a status that differs only after a failure", func(p *plan.Plan) {
			p.StatusAfter(pod("a"), func(failed error) client.Object {
				if failed != nil {
					return running("a")
				}
				return pod("a")
			})
		}},
		{"evicting none", func(p *plan.Plan) { p.Evict("none is in the way") }},
		{"scaling to what is", func(p *plan.Plan) { p.Scale("no change", pod("a"), 3, 3) }},
		{"patching each into the same", func(p *plan.Plan) {
			plan.PatchEach(p, "no change", []*corev1.ConfigMap{labelled("a"), labelled("b")}, toWeb)
		}},
		{"patching none", func(p *plan.Plan) { plan.PatchEach(p, "no change", nil, toWeb) }},
		{"adding a finalizer that is there", func(p *plan.Plan) { p.AddFinalizer("no change", held("a"), hold) }},
		{"adding a finalizer to what is being deleted", func(p *plan.Plan) {
			p.AddFinalizer("too late", with(pod("a"), func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }), hold)
		}},
		{"removing a finalizer that is not there", func(p *plan.Plan) { p.RemoveFinalizer("no change", pod("a"), hold) }},
		{"looking again", func(p *plan.Plan) { p.After(time.Minute, "later") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan.New()
			tt.build(p)
			if !p.Empty() {
				t.Errorf("the plan is not empty:\n%s", p)
			}
		})
	}
}

func TestPlanKeepsAStatusForWhenAStepFails(t *testing.T) {
	p := plan.New()
	p.StatusAfter(pod("a"), func(failed error) client.Object {
		if failed != nil {
			return running("a")
		}
		return pod("a")
	})
	if len(p.Steps()) != 0 || len(p.All()) != 1 {
		t.Errorf("%d steps and %d in all, want 0 and 1", len(p.Steps()), len(p.All()))
	}
}

func TestBuildingAPlanChangesNoObject(t *testing.T) {
	owner, observed, wanted, missing := pod("owner"), configMap("a"), labelled("a"), configMap("b")
	before := []client.Object{owner.DeepCopy(), observed.DeepCopy(), wanted.DeepCopy(), missing.DeepCopy()}
	p := plan.New()
	p.Create("missing", missing).OwnedBy(owner)
	p.Patch("label", observed, wanted)
	p.Status(owner, running("owner"))
	p.Delete("surplus", observed).Unchanged()
	p.AddFinalizer("counted", owner, hold)
	plan.PatchEach(p, "label", []*corev1.ConfigMap{observed}, toWeb)
	p.Evict("in the way", owner)
	p.Scale("busy", owner, 1, 2)
	_ = p.String()
	if diff := cmp.Diff(before, []client.Object{owner, observed, wanted, missing}); diff != "" {
		t.Errorf("objects were changed (-before +after):\n%s", diff)
	}
}
