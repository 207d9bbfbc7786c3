package garbagecollector

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// object is the metadata of a ConfigMap whose UID is its name.
func object(name string, changes ...func(*metav1.PartialObjectMetadata)) *metav1.PartialObjectMetadata {
	obj := metadataOf(configMaps)
	obj.Namespace, obj.Name, obj.UID, obj.ResourceVersion = "default", name, types.UID(name), "1"
	for _, change := range changes {
		change(obj)
	}
	return obj
}

func owns(names ...string) func(*metav1.PartialObjectMetadata) {
	return func(obj *metav1.PartialObjectMetadata) {
		for _, name := range names {
			yes := true
			obj.OwnerReferences = append(obj.OwnerReferences, metav1.OwnerReference{
				APIVersion: "v1", Kind: "ConfigMap", Name: name, UID: types.UID(name), BlockOwnerDeletion: &yes,
			})
		}
	}
}

func deleted(before time.Duration, finalizers ...string) func(*metav1.PartialObjectMetadata) {
	return func(obj *metav1.PartialObjectMetadata) {
		at := metav1.NewTime(noon.Add(-before))
		obj.DeletionTimestamp, obj.Finalizers = &at, finalizers
	}
}

// owners are what is known of the owners that object has.
func owners(obj *metav1.PartialObjectMetadata, states ...state) []owner {
	known := make([]owner, len(states))
	for i, state := range states {
		known[i] = owner{OwnerReference: obj.OwnerReferences[i], state: state, kind: configMaps, namespace: obj.Namespace}
	}
	return known
}

func TestPlan(t *testing.T) {
	one, two := object("x", owns("a")), object("x", owns("a", "b"))
	foreground, orphans := metav1.FinalizerDeleteDependents, metav1.FinalizerOrphanDependents
	dependents := func(objs ...*metav1.PartialObjectMetadata) []*metav1.PartialObjectMetadata { return objs }
	for _, test := range []struct {
		name  string
		obj   *metav1.PartialObjectMetadata
		world world
		want  string
	}{
		{"leaves an object without owners alone", object("x"), world{}, "nothing to do"},
		{"leaves an object with an owner alone", one, world{owners: owners(one, exists)}, "nothing to do"},
		{
			"deletes an object whose only owner is dead", one, world{owners: owners(one, dead)},
			"delete ConfigMap default/x: its owner ConfigMap a is gone",
		},
		{
			"deletes an object whose owners have all not been seen", two, world{owners: owners(two, missing, dead)},
			"delete ConfigMap default/x: its owner ConfigMap a is gone, its owner ConfigMap b is gone",
		},
		{
			"waits while the owner's kind is being read", two, world{owners: owners(two, unread, dead)},
			"nothing to do\nlook again in 1s: the objects of an owner's kind are being read",
		},
		{
			"keeps an object whose owner's kind the server does not know", one, world{owners: owners(one, unknown)},
			"nothing to do\nlook again in 30s: the API server may know the kind of its owner a then",
		},
		{
			"counts an owner that cannot be as another", two, world{owners: owners(two, waits, invalid), reported: true},
			"remove ConfigMap a from the owners of ConfigMap default/x: it has other owners, and these leave or are gone",
		},
		{
			"takes an owner that is gone out of an object that has another", two, world{owners: owners(two, dead, exists)},
			"remove ConfigMap a from the owners of ConfigMap default/x: it has other owners, and these leave or are gone",
		},
		{
			"takes an owner that waits out of an object that has another", two, world{owners: owners(two, exists, waits)},
			"remove ConfigMap b from the owners of ConfigMap default/x: it has other owners, and these leave or are gone",
		},
		{
			"deletes an object whose owner waits for it", one, world{owners: owners(one, waits)},
			"delete ConfigMap default/x: its owner ConfigMap a is deleted with its dependents",
		},
		{
			"deletes an object that has dependents the way its owner is deleted",
			one, world{owners: owners(one, waits), dependents: dependents(object("y", owns("x")))},
			"delete ConfigMap default/x: its owner ConfigMap a is deleted with its dependents",
		},
		{"leaves an object alone that is being deleted", object("x", owns("a"), deleted(0)), world{owners: owners(one, dead)}, "nothing to do"},
		{
			"holds an owner that something blocks",
			object("x", deleted(0, foreground)), world{dependents: dependents(object("y", owns("x")))}, "nothing to do",
		},
		{
			"undoes a circle",
			object("x", owns("a"), deleted(0, foreground)),
			world{owners: owners(one, waits), circle: true, dependents: dependents(object("a", owns("x"), deleted(0, foreground)))},
			`patch ConfigMap default/x {"metadata":{"ownerReferences":[{"apiVersion":"v1","blockOwnerDeletion":false,"kind":"ConfigMap","name":"a","uid":"a"}]}}: it waits for what it owns, and that waits for it`,
		},
		{
			"lets an owner go that nothing blocks",
			object("x", deleted(0, foreground, "keep")), world{dependents: dependents(object("y", owns("a")))},
			`patch ConfigMap default/x {"metadata":{"finalizers":["keep"]}}: all that blocked its deletion is gone`,
		},
		{
			"takes an owner that orphans out of its dependents, and holds it until all have been seen",
			object("x", deleted(time.Second, orphans)), world{dependents: dependents(object("y", owns("x")))},
			`patch ConfigMap default/y {"metadata":{"ownerReferences":null}}: its owner ConfigMap default/x is deleted without its dependents
look again in 500ms: all of its dependents have been seen then`,
		},
		{
			"lets an owner go that has orphaned",
			object("x", deleted(2*time.Second, orphans)), world{},
			`patch ConfigMap default/x {"metadata":{"finalizers":null}}: nothing refers to it any more`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := test.obj.DeepCopy()
			c := &controller{}
			if got := c.Plan(test.obj, test.world, noon).String(); got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
			if before.String() != test.obj.String() {
				t.Error("planning has changed the object")
			}
		})
	}
}

func TestPlanReportsAnOwnerInAnotherNamespaceOnce(t *testing.T) {
	obj := object("x", owns("a"))
	w := world{owners: owners(obj, missing)}
	w.owners[0].elsewhere = true
	c := &controller{}
	if got := c.Plan(obj, w, noon).String(); !strings.Contains(got, "event Warning OwnerRefInvalidNamespace for ConfigMap default/x") {
		t.Errorf("the plan has no event:\n%s", got)
	}
	w.reported = true
	if got := c.Plan(obj, w, noon).String(); strings.Contains(got, "event") {
		t.Errorf("the plan has the event again:\n%s", got)
	}
}
