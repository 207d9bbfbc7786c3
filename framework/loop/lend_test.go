package loop_test

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	cachetesting "k8s.io/client-go/tools/cache/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// configMaps is an API server of ConfigMaps, and counts who hears of them.
type configMaps struct {
	*cachetesting.FakeControllerSource
	handlers atomic.Int64
}

func newConfigMaps(objs ...*corev1.ConfigMap) *configMaps {
	s := &configMaps{FakeControllerSource: cachetesting.NewFakeControllerSource()}
	for _, obj := range objs {
		s.Add(obj)
	}
	return s
}

func (*configMaps) IsWatchListSemanticsUnSupported() bool { return true }

// counting is an informer that counts its handlers.
type counting struct {
	toolscache.SharedIndexInformer
	of *configMaps
}

func (c counting) AddEventHandlerWithOptions(h toolscache.ResourceEventHandler, o toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	c.of.handlers.Add(1)
	return c.SharedIndexInformer.AddEventHandlerWithOptions(h, o)
}

// run has a manager run loops on the ConfigMaps until the test ends.
func (s *configMaps) run(t *testing.T, loops ...loop.Loop) {
	t.Helper()
	mgr, err := manager.New(&rest.Config{Host: "127.0.0.1:1"}, manager.Options{
		Scheme:  websiteScheme(),
		Metrics: metricsserver.Options{BindAddress: "0"},
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			mapper := meta.NewDefaultRESTMapper(nil)
			mapper.Add(corev1.SchemeGroupVersion.WithKind("ConfigMap"), meta.RESTScopeNamespace)
			return mapper, nil
		},
		Cache: cache.Options{NewInformer: func(_ toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
			return counting{toolscache.NewSharedIndexInformer(s, example, resync, indexers), s}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := loop.AddAll(mgr, loop.Options{}, loops...); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		s.Shutdown()
	})
}

// next is what comes by a channel. It waits for that as long as any test may.
func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(time.Minute):
		t.Fatal("nothing comes")
		panic("unreachable")
	}
}

// observing is a controller for ConfigMaps that does nothing but observe.
type observing func(ctx context.Context, view loop.View, seen *corev1.ConfigMap) error

func (o observing) Observe(ctx context.Context, view loop.View, seen *corev1.ConfigMap) (struct{}, error) {
	return struct{}{}, o(ctx, view, seen)
}

func (observing) Plan(*corev1.ConfigMap, struct{}, time.Time) *plan.Plan { return nil }

func inTier(namespace, name, tier string) *corev1.ConfigMap {
	c := aConfigMap(name)
	c.Namespace, c.Labels = namespace, map[string]string{"tier": tier}
	return c
}

const byTier = "tier"

func tiers() loop.Option {
	return loop.Indexes(&corev1.ConfigMap{}, byTier, func(obj client.Object) []string { return []string{obj.GetLabels()[byTier]} })
}

// What is borrowed is found by the indexes of controller-runtime, whose names and values no function of it tells.
func TestWhatIsBorrowedIsWhatAListHolds(t *testing.T) {
	objs := []*corev1.ConfigMap{
		inTier("default", "a", "web"), inTier("default", "b", "db"), inTier("default", "c", "web"), inTier("other", "d", "web"),
	}
	asked := map[string][]client.ListOption{
		"all there are":                    nil,
		"those of a namespace":             {client.InNamespace("default")},
		"those of a field":                 {client.MatchingFields{byTier: "web"}},
		"those of a field in a namespace":  {client.InNamespace("default"), client.MatchingFields{byTier: "web"}},
		"those with a label":               {client.MatchingLabels{"tier": "db"}},
		"those of a field with a label":    {client.MatchingFields{byTier: "web"}, client.MatchingLabels{"tier": "db"}},
		"those of a namespace without any": {client.InNamespace("empty")},
		"those of a field that has no one": {client.MatchingFields{byTier: "cache"}},
	}
	names := func(objs []*corev1.ConfigMap) []string {
		names := []string{}
		for _, obj := range objs {
			names = append(names, obj.Namespace+"/"+obj.Name)
		}
		slices.Sort(names)
		return names
	}
	compare := func(ctx context.Context, read client.Reader, shared bool) {
		for what, options := range asked {
			var list corev1.ConfigMapList
			err := read.List(ctx, &list, options...)
			listed := make([]*corev1.ConfigMap, len(list.Items))
			for i := range list.Items {
				listed[i] = &list.Items[i]
			}
			borrowed, borrowErr := loop.Borrow[*corev1.ConfigMap](ctx, read, &corev1.ConfigMapList{}, options...)
			if err != nil || borrowErr != nil {
				t.Errorf("%s: a list ends with %v, and borrowing with %v", what, err, borrowErr)
			}
			if got, want := names(borrowed), names(listed); !slices.Equal(got, want) {
				t.Errorf("%s: borrowed are %v, want %v", what, got, want)
			}
			again, err := loop.Borrow[*corev1.ConfigMap](ctx, read, &corev1.ConfigMapList{}, options...)
			if err != nil || shared && len(borrowed) > 0 && !slices.Contains(again, borrowed[0]) {
				t.Errorf("%s: what is borrowed again is another: %v", what, err)
			}
		}
	}
	t.Run("from the cache of a manager", func(t *testing.T) {
		done := make(chan struct{}, len(objs))
		newConfigMaps(objs...).run(t, loop.New(uniqueName("borrower"), observing(func(ctx context.Context, view loop.View, seen *corev1.ConfigMap) error {
			if seen.Name == "a" {
				compare(ctx, view, true)
				if first, err := loop.Borrow[*corev1.ConfigMap](ctx, view, &corev1.ConfigMapList{}, client.Limit(1)); err != nil || len(first) != 1 {
					t.Errorf("of the first one there are %d: %v", len(first), err)
				}
				done <- struct{}{}
			}
			return nil
		}), tiers()))
		next(t, done)
	})
	t.Run("from a reader that lends nothing", func(t *testing.T) {
		world := looptest.NewWorld(websiteScheme())
		for _, obj := range objs {
			world.Put(obj)
		}
		if err := world.Index(&corev1.ConfigMap{}, byTier, func(obj client.Object) []string { return []string{obj.GetLabels()[byTier]} }); err != nil {
			t.Fatal(err)
		}
		compare(t.Context(), struct{ client.Reader }{world.Client("reader")}, false)
	})
}

func TestABorrowerThatAsksForAnotherKindIsToldSo(t *testing.T) {
	world := looptest.NewWorld(websiteScheme())
	world.Put(aConfigMap("a"))
	if _, err := loop.Borrow[*corev1.Secret](t.Context(), world.Client("reader"), &corev1.ConfigMapList{}); err == nil {
		t.Error("Secrets are borrowed from a list of ConfigMaps")
	}
}

func TestLoopsThatAreAddedTogetherShareOneHandlerOfAKind(t *testing.T) {
	const loops = 5
	server := newConfigMaps(aConfigMap("old"))
	passes := make(chan string, 100)
	all := make([]loop.Loop, loops)
	for i := range all {
		name := uniqueName("hearing")
		all[i] = loop.New(name, observing(func(_ context.Context, _ loop.View, seen *corev1.ConfigMap) error {
			passes <- name + " of " + seen.Name
			return nil
		}), loop.Watches(func(_ context.Context, _ client.Reader, changed *corev1.ConfigMap) ([]client.ObjectKey, error) {
			return []client.ObjectKey{client.ObjectKeyFromObject(changed)}, nil
		}))
	}
	server.run(t, all...)
	wanted := func(name string) {
		t.Helper()
		missing := map[string]bool{}
		for _, l := range all {
			missing[l.Name()+" of "+name] = true
		}
		for len(missing) > 0 {
			delete(missing, next(t, passes))
		}
	}
	wanted("old")
	server.Add(aConfigMap("new"))
	wanted("new")
	if got := server.handlers.Load(); got != 1 {
		t.Errorf("the informer has %d handlers, want one for all %d watches", got, 2*loops)
	}
}
