package loop_test

import (
	"errors"
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
	"sigs.k8s.io/controller-runtime/pkg/recorder"
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

// known is a manager as one loop knows it, which notes what the loop takes from it.
type known struct {
	manager.Manager
	taken    map[string]bool
	recorder string // the name of the one that was taken last
}

func (k *known) GetClient() client.Client { k.taken["client"] = true; return k.Manager.GetClient() }

func (k *known) GetAPIReader() client.Reader {
	k.taken["live reader"] = true
	return k.Manager.GetAPIReader()
}

func (k *known) GetEventRecorder(name string) recorder.EventRecorder {
	k.taken["recorder"], k.recorder = true, name
	return k.Manager.GetEventRecorder(name)
}

func TestALoopIsWhomTheOptionsSay(t *testing.T) {
	whom, asked := &known{Manager: newManager(t), taken: map[string]bool{}}, ""
	as := func(_ manager.Manager, name string) (manager.Manager, error) { asked = name; return whom, nil }
	name := uniqueName("comet")
	if err := loop.New(name, controller{}).AddTo(whom.Manager, loop.Options{As: as}); err != nil {
		t.Fatal(err)
	}
	if asked != name || len(whom.taken) != 3 {
		t.Errorf("it was asked for %q, which took the %v; want %s to take all three", asked, whom.taken, name)
	}

	if err := loop.New(uniqueName("comet"), controller{}, loop.RecordsAs("halley")).AddTo(whom.Manager, loop.Options{As: as}); err != nil || whom.recorder != "halley" {
		t.Errorf("it records events as %q (%v), want halley", whom.recorder, err)
	}

	nobody := func(manager.Manager, string) (manager.Manager, error) { return nil, errors.New("it has no role") }
	name = uniqueName("comet")
	if err := loop.New(name, controller{}).AddTo(newManager(t), loop.Options{As: nobody}); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("that it is nobody ends with %v, want an error that names the loop", err)
	}
}
