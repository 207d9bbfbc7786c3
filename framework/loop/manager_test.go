package loop_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

var names atomic.Int64

// uniqueName is a name for a loop that no other loop of the process has, as controller-runtime wants it.
func uniqueName(word string) string { return fmt.Sprintf("%s-%d", word, names.Add(1)) }

// newManager is a manager that is never started, and so needs no API server.
func newManager(t *testing.T) manager.Manager {
	t.Helper()
	scheme := websiteScheme()
	mgr, err := manager.New(&rest.Config{Host: "127.0.0.1:1"}, manager.Options{
		Scheme:  scheme,
		Metrics: server.Options{BindAddress: "0"},
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			mapper := meta.NewDefaultRESTMapper(nil)
			for gvk := range scheme.AllKnownTypes() {
				mapper.Add(gvk, meta.RESTScopeNamespace)
			}
			return mapper, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return mgr
}

func TestLoopsOfOneManager(t *testing.T) {
	byLabel := func(obj client.Object) []string { return []string{obj.GetLabels()["tier"]} }
	tiers := func(name string) loop.Loop {
		return loop.New(name, controller{},
			loop.Owns(&corev1.ConfigMap{}),
			loop.Watches(ofSameName),
			loop.Indexes(&corev1.ConfigMap{}, "tier", byLabel))
	}
	mgr := newManager(t)
	first, second := uniqueName("first"), uniqueName("second")
	if err := loop.AddAll(mgr, loop.Options{}, tiers(first), tiers(second)); err != nil {
		t.Errorf("two loops with the same index: %v", err)
	}
	if err := loop.New(second, controller{}).AddTo(newManager(t), loop.Options{AnyName: true}); err != nil {
		t.Errorf("a loop of the same name in another manager, where that is allowed: %v", err)
	}
	if err := loop.New(second, controller{}).AddTo(mgr, loop.Options{}); err == nil || !strings.Contains(err.Error(), "adding loop "+second+" to the manager: ") {
		t.Errorf("a second loop of the same name ends with %v, want an error that names it", err)
	}
}

func TestALoopShowsItsIndexes(t *testing.T) {
	byLabel := func(obj client.Object) []string { return []string{obj.GetLabels()["tier"]} }
	indexes := loop.New("tiers", controller{}, loop.Indexes(&corev1.ConfigMap{}, "tier", byLabel)).Indexes()
	if len(indexes) != 1 || indexes[0].Field != "tier" {
		t.Errorf("shows %v, want the one that was declared", indexes)
	}
}
