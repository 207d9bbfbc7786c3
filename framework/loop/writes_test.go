package loop_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

var ofConfigMaps = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

func TestAPassWaitsUntilTheCacheShowsItsWrites(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write func(s *stage, p *plan.Plan, pod *corev1.Pod)
	}{
		{"a create", func(_ *stage, p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("new")) }},
		{"a patch", func(s *stage, p *plan.Plan, _ *corev1.Pod) {
			p.Patch("changed", s.stored("old"), withData(s.stored("old"), map[string]string{"a": "b"}))
		}},
		{"a deletion", func(s *stage, p *plan.Plan, _ *corev1.Pod) { p.Delete("surplus", s.stored("old")) }},
		{"a status", func(_ *stage, p *plan.Plan, pod *corev1.Pod) { p.Status(pod, withPhase(pod, corev1.PodRunning)) }},
		{"what is applied", func(_ *stage, p *plan.Plan, _ *corev1.Pod) {
			p.Apply("wanted", corev1apply.ConfigMap("old", "default").WithData(map[string]string{"a": "b"}))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.Put(aConfigMap("old"))
			s.cache.CatchUp()
			s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) { tt.write(s, p, pod) })
			before := s.Version()
			s.mustPass(t)
			if s.Version() == before {
				t.Fatal("the first pass wrote nothing")
			}
			if result := s.mustPass(t); s.planned != 1 || result.RequeueAfter == 0 {
				t.Errorf("planned %d times, and looks again after %s; want to look again before the second plan", s.planned, result.RequeueAfter)
			}
			s.passWithCache(t)
			if s.planned != 2 {
				t.Errorf("planned %d times after the cache showed the write, want 2", s.planned)
			}
		})
	}
}

func TestAPassDoesNotWaitForKindsThatItDoesNotRead(t *testing.T) {
	s := newStage(t)
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) {
		p.Create("missing", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "new"}})
	})
	s.mustPass(t)
	if result := s.mustPass(t); s.planned != 2 || result.RequeueAfter != 0 {
		t.Errorf("planned %d times, and looks again after %s; want the second plan at once", s.planned, result.RequeueAfter)
	}
}

func TestAPassWaitsForAWholeObjectOfWhichItReadsOnlyTheMetadata(t *testing.T) {
	s := newStage(t)
	s.observe = func(ctx context.Context, read loop.View, _ *corev1.Pod) error {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(ofConfigMaps)
		return read.List(ctx, list)
	}
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("new")) })
	s.mustPass(t)
	if s.mustPass(t); s.planned != 1 {
		t.Error("planned again before the cache showed what was created")
	}
	if s.passWithCache(t); s.planned != 2 {
		t.Error("does not plan although the cache shows what was created")
	}
}

func TestObjectsDoNotWaitForWhatWasWrittenForOthers(t *testing.T) {
	s := newStage(t)
	other := s.pod()
	other.Name = "other"
	s.Put(other)
	s.cache.CatchUp()
	s.plan = func(p *plan.Plan, pod *corev1.Pod) { p.Create("missing", aConfigMap("for-"+pod.Name)) }
	s.mustPass(t)
	if _, err := s.reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(other)}); err != nil {
		t.Fatal(err)
	}
	if s.planned != 2 {
		t.Errorf("planned %d times, want once for each object", s.planned)
	}
}

// everyPod is a loop that decides for all pods at once: each gets a ConfigMap.
type everyPod struct{ planned int }

func (e *everyPod) Observe(ctx context.Context, view loop.View, _ client.ObjectKey) ([]corev1.Pod, error) {
	var pods corev1.PodList
	if err := view.List(ctx, &corev1.ConfigMapList{}); err != nil {
		return nil, err
	}
	return pods.Items, view.List(ctx, &pods)
}

func (e *everyPod) Plan(_ client.ObjectKey, pods []corev1.Pod, _ time.Time) *plan.Plan {
	e.planned++
	p := plan.New()
	for i := range pods {
		p.Create("missing", aConfigMap("for-"+pods[i].Name))
	}
	return p
}

func TestALoopOverEverythingWaitsForAllThatItWrote(t *testing.T) {
	s, e := newStage(t), &everyPod{}
	l := loop.NewGroup("every-pod", e, loop.WatchesAll(&corev1.Pod{}, 0), loop.AtStart(loop.All))
	if l.Object() != nil || len(l.Watches()) != 1 || len(l.AtStart()) != 1 {
		t.Errorf("is declared with the object %v, the watches %v and the keys %v", l.Object(), l.Watches(), l.AtStart())
	}
	if keys, err := l.Watches()[0].Wakes(t.Context(), s.Client("tester"), nil, s.pod()); err != nil || len(keys) != 1 || keys[0] != loop.All {
		t.Errorf("a pod wakes it for %v (%v), want for everything", keys, err)
	}
	reconciler := l.Reconciler(loop.Cluster{Client: s.cache.ClientOf("tester"), Clock: s.Clock()})
	for _, test := range []struct {
		caughtUp bool
		want     int
	}{{false, 1}, {false, 1}, {true, 2}} {
		if test.caughtUp {
			s.cache.CatchUp()
		}
		if _, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: loop.All}); err != nil {
			t.Fatal(err)
		}
		if e.planned != test.want {
			t.Errorf("planned %d times, with a cache that shows all: %t; want %d", e.planned, test.caughtUp, test.want)
		}
	}
}

func TestAPassWaitsLongerEachTimeUpToATenthOfASecond(t *testing.T) {
	s := newStage(t)
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("new")) })
	s.mustPass(t)
	var waits []time.Duration
	for range 6 {
		waits = append(waits, s.mustPass(t).RequeueAfter)
	}
	const ms = time.Millisecond
	if want := []time.Duration{5 * ms, 10 * ms, 20 * ms, 40 * ms, 80 * ms, 100 * ms}; !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
}

func TestAPassForgetsAWriteWhoseObjectIsGone(t *testing.T) {
	s := newStage(t)
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("new")) })
	s.mustPass(t)
	if err := s.Client("somebody").Delete(t.Context(), aConfigMap("new")); err != nil {
		t.Fatal(err)
	}
	s.cache.CatchUp() // and has seen it come and go
	if s.mustPass(t); s.planned != 1 {
		t.Error("planned at once, although the cache may only be behind")
	}
	s.Step(time.Second)
	if s.mustPass(t); s.planned != 2 {
		t.Error("still waits, a second later, for an object that does not exist")
	}
}

func TestAPassForgetsAWriteWhoseObjectWasReplaced(t *testing.T) {
	s := newStage(t)
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("new")) })
	s.mustPass(t)
	somebody := s.Client("somebody")
	if err := errors.Join(somebody.Delete(t.Context(), aConfigMap("new")), somebody.Create(t.Context(), aConfigMap("new"))); err != nil {
		t.Fatal(err)
	}
	s.cache.CatchUp()
	s.Step(time.Second)
	if s.mustPass(t); s.planned != 2 {
		t.Error("still waits for an object that has been replaced by another of its name")
	}
}

func TestAPassGivesUpOnACacheThatNeverShowsAWrite(t *testing.T) {
	s := newStage(t)
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("new")) })
	s.mustPass(t)
	s.Step(4 * time.Minute)
	if s.mustPass(t); s.planned != 1 {
		t.Error("planned after four minutes, although the write still stands and does not show")
	}
	s.Step(time.Minute)
	if s.mustPass(t); s.planned != 2 {
		t.Error("waits after five minutes for a cache that may never show what its selectors leave out")
	}
}

func TestACreateWhoseAnswerIsLostIsNotMadeAgain(t *testing.T) {
	s := newStage(t)
	s.Lose = func(looptest.Write) error {
		s.Lose = nil
		return apierrors.NewTimeoutError("the answer is lost", 0)
	}
	s.plan = func(p *plan.Plan, _ *corev1.Pod) {
		if len(s.visible(t)) == 0 {
			p.Create("missing", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "new-"}})
		}
	}
	if _, err := s.pass(t); !apierrors.IsTimeout(err) {
		t.Fatalf("the first pass ends with %v, want a timeout", err)
	}
	s.mustPass(t)
	s.Step(time.Second) // now the API server is asked
	if s.mustPass(t); s.planned != 1 {
		t.Error("planned again, although the object is there and the cache does not show it")
	}
	s.passWithCache(t)
	if names := s.names(); s.planned != 2 || len(names) != 1 {
		t.Errorf("planned %d times, and there are %v; want 2 plans and one object", s.planned, names)
	}
}

func TestAPatchWhoseAnswerIsLostHasToShow(t *testing.T) {
	s := newStage(t)
	s.Put(aConfigMap("a"))
	s.cache.CatchUp()
	s.Lose = func(looptest.Write) error {
		s.Lose = nil
		return errors.New("connection reset by peer")
	}
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) {
		p.Patch("changed", s.stored("a"), withData(s.stored("a"), map[string]string{"a": "b"}))
	})
	if _, err := s.pass(t); err == nil {
		t.Fatal("the first pass succeeds although its answer was lost")
	}
	if s.mustPass(t); s.planned != 1 {
		t.Error("planned again at once, although the patch may have had an effect")
	}
	s.Step(time.Second) // now the API server is asked, and knows the patch
	if s.mustPass(t); s.planned != 1 {
		t.Error("planned again, although the cache does not show the patch")
	}
	if s.passWithCache(t); s.planned != 2 {
		t.Error("does not plan although the cache shows the patch")
	}
}

func TestAWriteThatNeverArrivedIsMadeAgain(t *testing.T) {
	s := newStage(t)
	s.Refuse = func(looptest.Write) error {
		s.Refuse = nil
		return errors.New("connection reset by peer")
	}
	s.plan = func(p *plan.Plan, _ *corev1.Pod) {
		if len(s.names()) == 0 {
			p.Create("missing", aConfigMap("new"))
		}
	}
	if _, err := s.pass(t); err == nil {
		t.Fatal("the first pass succeeds over a broken connection")
	}
	if s.mustPass(t); s.planned != 1 {
		t.Error("planned again at once, although the request may still be under way")
	}
	s.Step(time.Second)
	if s.mustPass(t); s.planned != 2 || len(s.names()) != 1 {
		t.Errorf("planned %d times, and there are %v; want 2 plans and one object", s.planned, s.names())
	}
}

func TestAGeneratedNameThatIsTakenIsGeneratedAgain(t *testing.T) {
	s := newStage(t)
	s.Put(aConfigMap("new-1"), aConfigMap("new-2"))
	next := 0
	s.reconciler = s.loop.Reconciler(loop.Cluster{
		Client: s.cache.ClientOf("tester"),
		Names: func(prefix string) string {
			next++
			return prefix + string(rune('0'+next))
		},
	})
	s.plan = func(p *plan.Plan, _ *corev1.Pod) {
		p.Create("missing", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "new-"}})
	}
	s.mustPass(t)
	if names := s.names(); !slices.Equal(names, []string{"new-1", "new-2", "new-3"}) {
		t.Errorf("there are %v, want a third of another name", names)
	}
}

func TestWritesOfOneObjectFollowEachOtherInAPass(t *testing.T) {
	s := newStage(t)
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		labelled := pod.DeepCopy()
		labelled.Labels = map[string]string{"tier": "web"}
		p.Patch("for the selector", pod, labelled)
		p.Status(pod, withPhase(pod, corev1.PodRunning))
		annotated := pod.DeepCopy()
		annotated.Annotations = map[string]string{"note": "well"}
		p.Patch("for people", pod, annotated)
		p.Delete("done", pod).Unchanged()
	}
	s.mustPass(t)
	if pods := looptest.All[*corev1.Pod](s.World); len(pods) != 0 {
		t.Errorf("the last step did not find what the ones before it wrote: %v", pods[0])
	}
}

// visible are the names of the ConfigMaps that the cache shows.
func (s *stage) visible(t *testing.T) []string {
	t.Helper()
	var list corev1.ConfigMapList
	if err := s.cache.ClientOf("tester").List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range list.Items {
		names = append(names, c.Name)
	}
	return names
}

func TestAPassWaitsForWhatASubresourceMadeOfAnObject(t *testing.T) {
	s := newStage(t)
	s.observe = func(ctx context.Context, view loop.View, _ *corev1.Pod) error {
		return view.List(ctx, &corev1.PodList{})
	}
	s.Subresources = map[string]func(stored, body client.Object) error{"eviction": func(client.Object, client.Object) error { return nil }}
	s.Graceful = func(client.Object) bool { return true }
	s.Put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: "other", UID: "other"}})
	s.cache.CatchUp()
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Evict("it disturbs", looptest.All[*corev1.Pod](s.World)[0]) })
	s.mustPass(t)
	if result := s.mustPass(t); s.planned != 1 || result.RequeueAfter == 0 {
		t.Errorf("planned %d times before the cache showed the eviction, want once", s.planned)
	}
	if s.passWithCache(t); s.planned != 2 {
		t.Error("does not plan although the cache shows the eviction")
	}
}

// deleteAll is a step that deletes all ConfigMaps in one call.
type deleteAll struct{}

func (deleteAll) Verb() string   { return "delete" }
func (deleteAll) Why() string    { return "" }
func (deleteAll) String() string { return "delete all ConfigMaps" }
func (deleteAll) Do(ctx context.Context, act plan.Actor) error {
	return act.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace("default"))
}

func TestAPassWaitsForADeletionOfManyInOneCall(t *testing.T) {
	s := newStage(t)
	s.Put(aConfigMap("a"), aConfigMap("b"))
	s.cache.CatchUp()
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Do(deleteAll{}) })
	s.mustPass(t)
	if s.mustPass(t); s.planned != 1 {
		t.Errorf("planned %d times before the cache showed the deletions, want once", s.planned)
	}
	if s.passWithCache(t); s.planned != 2 || len(s.names()) != 0 {
		t.Errorf("planned %d times, and %v are left", s.planned, s.names())
	}
}

// lasting is a step that takes a while.
type lasting struct {
	world *looptest.World
	d     time.Duration
}

func (lasting) Verb() string   { return "last" }
func (lasting) Why() string    { return "it does" }
func (lasting) String() string { return "take a while" }

func (l lasting) Do(context.Context, plan.Actor) error {
	l.world.Step(l.d)
	return nil
}

// A step of five hundred requests may take longer than a write is believed in. That is no reason to ask the API server for each of
// what it has just answered.
func TestAPassDoesNotDoubtWhatItWroteLast(t *testing.T) {
	s := newStage(t)
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) {
		p.Create("missing", aConfigMap("first"))
		p.Do(lasting{s.World, 2 * time.Second})
		p.Create("missing", aConfigMap("new"))
	})
	s.mustPass(t)
	if err := s.Client("somebody").Delete(t.Context(), aConfigMap("new")); err != nil {
		t.Fatal(err)
	}
	s.cache.CatchUp() // and has seen it come and go
	if s.mustPass(t); s.planned != 1 {
		t.Error("asked at once, although the cache may only be behind")
	}
	s.Step(time.Second)
	if s.mustPass(t); s.planned != 2 {
		t.Error("still waits, a second later, for an object that does not exist")
	}
}
