package garbagecollector

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var (
	configMaps   = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	secrets      = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
	clusterRoles = schema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}
)

// seen is a node whose UID is its name.
func seen(kind schema.GroupVersionKind, name string, changes ...func(*node)) *node {
	n := &node{id: id{kind, client.ObjectKey{Namespace: "default", Name: name}}, uid: types.UID(name), version: "1"}
	for _, change := range changes {
		change(n)
	}
	return n
}

func ownedBy(names ...string) func(*node) {
	return func(n *node) {
		for _, name := range names {
			n.owners = append(n.owners, metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: name, UID: types.UID(name)})
		}
	}
}

func deletedWith(finalizers ...string) func(*node) {
	return func(n *node) {
		n.deleted = &metav1.Time{}
		n.finalizers = finalizers
	}
}

func TestTheGraphWakesWhomAChangeConcerns(t *testing.T) {
	foreground := deletedWith(metav1.FinalizerDeleteDependents)
	for _, test := range []struct {
		name   string
		before []*node
		change func(g *graph)
		want   []string
	}{
		{
			name:   "a new object without owners concerns nobody",
			change: func(g *graph) { g.put(seen(configMaps, "a")) },
		},
		{
			name:   "a new object with an owner concerns itself",
			change: func(g *graph) { g.put(seen(secrets, "b", ownedBy("a"))) },
			want:   []string{"b"},
		},
		{
			name:   "a new object whose owner has been seen concerns nobody",
			before: []*node{seen(configMaps, "a")},
			change: func(g *graph) { g.put(seen(secrets, "b", ownedBy("a"))) },
		},
		{
			name:   "a new object whose owner waits concerns itself",
			before: []*node{seen(configMaps, "a", foreground)},
			change: func(g *graph) { g.put(seen(secrets, "b", ownedBy("a"))) },
			want:   []string{"b"},
		},
		{
			name:   "a new object that names an owner by another kind concerns itself",
			before: []*node{seen(secrets, "a")},
			change: func(g *graph) { g.put(seen(secrets, "b", ownedBy("a"))) },
			want:   []string{"b"},
		},
		{
			name:   "a new object without namespace that names an owner in one concerns itself",
			before: []*node{seen(configMaps, "a")},
			change: func(g *graph) { g.put(seen(clusterRoles, "b", ownedBy("a"), func(n *node) { n.Namespace = "" })) },
			want:   []string{"b"},
		},
		{
			name:   "an owner that is seen after its dependent concerns nobody",
			before: []*node{seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.put(seen(configMaps, "a")) },
		},
		{
			name:   "an owner that waits and is seen after its dependent concerns both",
			before: []*node{seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.put(seen(configMaps, "a", foreground)) },
			want:   []string{"a", "b"},
		},
		{
			name:   "a deletion that nothing holds concerns nobody but those who depend on it, later",
			before: []*node{seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.put(seen(secrets, "b", ownedBy("a"), deletedWith("example.com/keep"))) },
		},
		{
			name:   "a change of anything but owners, finalizers and deletion concerns nobody",
			before: []*node{seen(configMaps, "a"), seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.put(seen(secrets, "b", ownedBy("a"), func(n *node) { n.version = "2" })) },
		},
		{
			name:   "the end of an owner concerns its dependents of all kinds",
			before: []*node{seen(configMaps, "a"), seen(secrets, "b", ownedBy("a")), seen(configMaps, "c", ownedBy("a"))},
			change: func(g *graph) { g.drop(seen(configMaps, "a").id) },
			want:   []string{"b", "c"},
		},
		{
			name:   "an owner that begins to wait concerns itself and its dependents",
			before: []*node{seen(configMaps, "a"), seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.put(seen(configMaps, "a", foreground)) },
			want:   []string{"a", "b"},
		},
		{
			name:   "the end of a dependent concerns an owner that waits for it",
			before: []*node{seen(configMaps, "a", foreground), seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.drop(seen(secrets, "b").id) },
			want:   []string{"a"},
		},
		{
			name:   "a dependent that leaves its owners concerns those that wait, and not itself",
			before: []*node{seen(configMaps, "a", foreground), seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.put(seen(secrets, "b")) },
			want:   []string{"a"},
		},
		{
			name:   "another object of the same name is the end of the one before",
			before: []*node{seen(configMaps, "a"), seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.put(seen(configMaps, "a", func(n *node) { n.uid = "other" })) },
			want:   []string{"b"},
		},
		{
			name:   "what a new list lacks has come to its end",
			before: []*node{seen(configMaps, "a"), seen(configMaps, "c"), seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.replace(configMaps, []*node{seen(configMaps, "c")}) },
			want:   []string{"b"},
		},
		{
			name:   "a kind that is forgotten concerns what its objects owned",
			before: []*node{seen(configMaps, "a"), seen(secrets, "b", ownedBy("a"))},
			change: func(g *graph) { g.forget(configMaps) },
			want:   []string{"b"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			woken := []string{}
			g := newGraph()
			for _, n := range test.before {
				g.put(n)
			}
			g.listen(func(at id) { woken = append(woken, at.Name) })
			woken = nil
			test.change(g)
			slices.Sort(woken)
			if !slices.Equal(slices.Compact(woken), test.want) {
				t.Errorf("it woke %v, want %v", woken, test.want)
			}
		})
	}
}

func TestWhoListensIsToldWhatTheGraphHolds(t *testing.T) {
	g := newGraph()
	g.put(seen(secrets, "b", ownedBy("a")))
	g.put(seen(configMaps, "a"))
	g.put(seen(secrets, "d", ownedBy("c")))
	g.put(seen(configMaps, "e", deletedWith(metav1.FinalizerOrphanDependents)))
	woken := []string{}
	g.listen(func(at id) { woken = append(woken, at.Name) })
	slices.Sort(woken)
	if want := []string{"d", "e"}; !slices.Equal(woken, want) {
		t.Errorf("it woke %v, want %v", woken, want)
	}
}

func TestTheGraphRemembersWhoDied(t *testing.T) {
	g := newGraph()
	g.put(seen(configMaps, "a"))
	g.put(seen(secrets, "b", ownedBy("a", "c")))
	g.put(seen(configMaps, "c"))
	g.drop(seen(configMaps, "a").id)
	g.forget(configMaps)
	if at, died := g.died("a"); !died || at != seen(configMaps, "a").id {
		t.Errorf("the owner that was seen to go is %v, dead is %t", at, died)
	}
	if _, died := g.died("c"); died {
		t.Error("an owner of a kind that is no longer watched counts as dead")
	}
}

func TestTheGraphForgetsWhatIsGone(t *testing.T) {
	g := newGraph()
	g.put(seen(configMaps, "a"))
	g.put(seen(secrets, "b", ownedBy("a")))
	g.put(seen(secrets, "b", ownedBy("a", "c")))
	g.drop(seen(secrets, "b").id)
	g.drop(seen(configMaps, "a").id)
	if len(g.byUID)+len(g.dependents)+len(g.kinds[configMaps])+len(g.kinds[secrets]) != 0 {
		t.Errorf("something is left: %d by UID, %d with dependents", len(g.byUID), len(g.dependents))
	}
}
