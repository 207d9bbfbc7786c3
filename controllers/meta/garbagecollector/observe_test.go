package garbagecollector

import (
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// watching are monitors of the kinds of these tests that have read all of their objects, without an API server.
func watching(all ...kinds.Kind) *monitors {
	ms := newMonitors(kinds.Source{})
	for _, kind := range all {
		m := newMonitor(kind, ms.graph)
		if err := m.Replace(nil, ""); err != nil {
			panic(err) // of nothing, nothing can be wrong
		}
		ms.byKind[kind.GroupKind()] = m
	}
	return ms
}

var (
	configMapKind   = kinds.Kind{GroupVersionKind: configMaps, Namespaced: true}
	secretKind      = kinds.Kind{GroupVersionKind: secrets, Namespaced: true}
	clusterRoleKind = kinds.Kind{GroupVersionKind: clusterRoles}
)

func in(namespace string) func(*node) { return func(n *node) { n.Namespace = namespace } }

// refersTo adds the reference that a test is about.
func refersTo(kind schema.GroupVersionKind, name, uid string) func(*node) {
	return func(n *node) {
		n.owners = append(n.owners, metav1.OwnerReference{
			APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: name, UID: types.UID(uid),
		})
	}
}

func TestObserveFindsAnOwnerByAllThatTheReferenceSays(t *testing.T) {
	everything := []kinds.Kind{configMapKind, secretKind, clusterRoleKind}
	without := []kinds.Kind{secretKind, clusterRoleKind}
	for _, test := range []struct {
		name    string
		watched []kinds.Kind
		owner   *node // was there
		died    bool  // and is gone
		object  *node
		want    state
	}{
		{"one that is there", everything, seen(configMaps, "a"), false, seen(secrets, "b", ownedBy("a")), exists},
		{"one that waits", everything, seen(configMaps, "a", deletedWith(metav1.FinalizerDeleteDependents)), false, seen(secrets, "b", ownedBy("a")), waits},
		{"one that died", everything, seen(configMaps, "a"), true, seen(secrets, "b", ownedBy("a")), dead},
		{"one that died, and its kind with it", without, seen(configMaps, "a"), true, seen(secrets, "b", ownedBy("a")), dead},
		{"one that has never been seen", everything, nil, false, seen(secrets, "b", ownedBy("a")), missing},
		{"one of a kind that the server does not have", without, nil, false, seen(secrets, "b", ownedBy("a")), unknown},
		{"one without namespace that died", everything, seen(clusterRoles, "a", in("")), true, seen(secrets, "b", refersTo(clusterRoles, "a", "a")), dead},

		{"an object without namespace has none in a namespace", everything, seen(configMaps, "a"), false, seen(clusterRoles, "c", in(""), ownedBy("a")), invalid},
		{"also not when that died", everything, seen(configMaps, "a"), true, seen(clusterRoles, "c", in(""), ownedBy("a")), invalid},
		{"nor when its kind did", without, seen(configMaps, "a"), true, seen(clusterRoles, "c", in(""), ownedBy("a")), invalid},

		{"the UID is of one in another namespace", everything, seen(configMaps, "a"), false, seen(secrets, "b", in("other"), ownedBy("a")), missing},
		{"the UID was of one in another namespace", everything, seen(configMaps, "a"), true, seen(secrets, "b", in("other"), ownedBy("a")), missing},
		{"the UID was of one in another namespace, and its kind is gone", without, seen(configMaps, "a"), true, seen(secrets, "b", in("other"), ownedBy("a")), unknown},
		{"the UID was of another kind", everything, seen(configMaps, "a"), true, seen(secrets, "b", refersTo(secrets, "a", "a")), missing},
		{"the UID was of another name", everything, seen(configMaps, "a"), true, seen(secrets, "b", refersTo(configMaps, "z", "a")), missing},
		{"the reference has no UID, and so is to nobody", everything, nil, false, seen(secrets, "b", refersTo(configMaps, "a", "")), unknown},
		{"another has its name now", everything, seen(configMaps, "a"), false, seen(secrets, "b", refersTo(configMaps, "a", "z")), missing},
	} {
		t.Run(test.name, func(t *testing.T) {
			ms := watching(test.watched...)
			ms.put(test.object)
			if test.owner != nil {
				ms.put(test.owner)
			}
			if test.died {
				ms.drop(test.owner.id)
			}
			w, err := observed(t, ms, test.object)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.owners[0].state; got != test.want {
				t.Errorf("the owner is %q, want %q", got, test.want)
			}
		})
	}
}

func observed(t *testing.T, ms *monitors, of *node) (world, error) {
	t.Helper()
	return (Controller{known: ms}).Observe(t.Context(), loop.NewView(ms, nil, noon), Key(of.Kind.GroupKind(), of.ObjectKey))
}

func TestObserveFindsDependentsByAllThatTheirReferencesSay(t *testing.T) {
	ms := watching(configMapKind, secretKind, clusterRoleKind)
	owner := seen(configMaps, "a", deletedWith(metav1.FinalizerDeleteDependents))
	for _, n := range []*node{
		owner,
		seen(secrets, "b", ownedBy("a")),
		seen(configMaps, "c", ownedBy("a")),
		seen(secrets, "elsewhere", in("other"), ownedBy("a")),
		seen(clusterRoles, "nowhere", in(""), ownedBy("a")),
		seen(secrets, "of-another-kind", refersTo(secrets, "a", "a")),
		seen(secrets, "of-another-name", refersTo(configMaps, "z", "a")),
	} {
		ms.put(n)
	}
	w, err := observed(t, ms, owner)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, dependent := range w.dependents {
		got += dependent.Name + " "
	}
	if got != "c b " {
		t.Errorf("the dependents are %q, want c and b", got)
	}
}

func TestAKeyNamesItsObject(t *testing.T) {
	for text, object := range map[string]client.ObjectKey{
		"default/ConfigMap/a":                              {Namespace: "default", Name: "a"},
		"/ClusterRole.rbac.authorization.k8s.io/admin:all": {Name: "admin:all"},
	} {
		kind := configMaps
		if object.Namespace == "" {
			kind = clusterRoles
		}
		key := Key(kind.GroupKind(), object)
		if key.String() != text {
			t.Errorf("the key of %s is %q, want %q", object, key, text)
		}
		if name, at := objectOf(key); name != kind.GroupKind() || at != object {
			t.Errorf("the key %s is that of %s %s", key, name, at)
		}
	}
}
