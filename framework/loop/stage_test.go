package loop_test

import (
	"context"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// stage is one Pod, a loop whose controller does what a test tells it, and a cache that is as old as a test wants.
type stage struct {
	*looptest.World
	cache      *looptest.View
	loop       loop.Loop
	reconciler loop.Reconciler
	events     *events.FakeRecorder

	// observe and plan are the controller. By default it reads all ConfigMaps, and plans nothing.
	observe func(ctx context.Context, view loop.View, pod *corev1.Pod) error
	plan    func(p *plan.Plan, pod *corev1.Pod)

	planned int // how often the controller has planned
}

func (s *stage) Observe(ctx context.Context, view loop.View, pod *corev1.Pod) (struct{}, error) {
	return struct{}{}, s.observe(ctx, view, pod)
}

func (s *stage) Plan(pod *corev1.Pod, _ struct{}, _ time.Time) *plan.Plan {
	s.planned++
	p := plan.New()
	s.plan(p, pod)
	return p
}

var key = client.ObjectKey{Namespace: "default", Name: "web"}

func newStage(t *testing.T) *stage {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return newStageOf(scheme)
}

// newStageOf is a stage on which kinds have the names of a scheme.
func newStageOf(scheme *runtime.Scheme) *stage {
	s := &stage{World: looptest.NewWorld(scheme), events: events.NewFakeRecorder(100)}
	s.observe = func(ctx context.Context, view loop.View, pod *corev1.Pod) error {
		return view.List(ctx, &corev1.ConfigMapList{}, client.InNamespace(pod.Namespace))
	}
	s.plan = func(*plan.Plan, *corev1.Pod) {}
	s.Put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}})
	s.cache = s.NewView()
	s.loop = loop.New("tester", s)
	s.reconciler = s.loop.Reconciler(loop.Cluster{
		Client:     s.cache.ClientOf("tester"),
		Live:       s.Client("tester"),
		Events:     s.events,
		Clock:      s.Clock(),
		SideBySide: 1,
	})
	return s
}

// pass makes one pass.
func (s *stage) pass(t *testing.T) (reconcile.Result, error) {
	t.Helper()
	return s.reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
}

// mustPass makes a pass that succeeds.
func (s *stage) mustPass(t *testing.T) reconcile.Result {
	t.Helper()
	result, err := s.pass(t)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// passWithCache makes a pass that succeeds, on a cache that has seen everything.
func (s *stage) passWithCache(t *testing.T) reconcile.Result {
	t.Helper()
	s.cache.CatchUp()
	return s.mustPass(t)
}

// recorded are the events so far, each as "type reason message".
func (s *stage) recorded() []string {
	var all []string
	for len(s.events.Events) > 0 {
		all = append(all, <-s.events.Events)
	}
	return all
}

func aConfigMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func withData[T ~map[string]string](obj *corev1.ConfigMap, data T) *corev1.ConfigMap {
	obj = obj.DeepCopy()
	obj.Data = data
	return obj
}

func withPhase(pod *corev1.Pod, phase corev1.PodPhase) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Status.Phase = phase
	return pod
}

// names are the names of the ConfigMaps that exist.
func (s *stage) names() []string {
	var names []string
	for _, c := range looptest.All[*corev1.ConfigMap](s.World) {
		names = append(names, c.Name)
	}
	return names
}

// stored is a ConfigMap as it is.
func (s *stage) stored(name string) *corev1.ConfigMap {
	for _, c := range looptest.All[*corev1.ConfigMap](s.World) {
		if c.Name == name {
			return c.DeepCopy()
		}
	}
	return nil
}

// plansOnce makes the controller plan something the first time, and nothing from then on.
func (s *stage) plansOnce(first func(p *plan.Plan, pod *corev1.Pod)) {
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		if s.planned == 1 {
			first(p, pod)
		}
	}
}
