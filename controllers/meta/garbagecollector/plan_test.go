package garbagecollector

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
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
		{"leaves an object with an owner alone", one, world{owners: owners(one, exists)}, "nothing to do: its owner ConfigMap a exists"},
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
			"counts an owner that cannot be as another", two, world{owners: owners(two, waits, invalid)},
			`patch ConfigMap default/x {"metadata":{"ownerReferences":[{"apiVersion":"v1","blockOwnerDeletion":true,"kind":"ConfigMap","name":"b","uid":"b"}]}}: its owner ConfigMap a is deleted with its dependents, and it has others`,
		},
		{
			"takes an owner that is gone out of an object that has another", two, world{owners: owners(two, dead, exists)},
			`patch ConfigMap default/x {"metadata":{"ownerReferences":[{"apiVersion":"v1","blockOwnerDeletion":true,"kind":"ConfigMap","name":"b","uid":"b"}]}}: its owner ConfigMap a is gone, and it has others`,
		},
		{
			"takes an owner that waits out of an object that has another", two, world{owners: owners(two, exists, waits)},
			`patch ConfigMap default/x {"metadata":{"ownerReferences":[{"apiVersion":"v1","blockOwnerDeletion":true,"kind":"ConfigMap","name":"a","uid":"a"}]}}: its owner ConfigMap b is deleted with its dependents, and it has others`,
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
			object("x", deleted(0, foreground)), world{dependents: dependents(object("y", owns("x")))},
			"nothing to do: its deletion waits for ConfigMap default/y, the first of 1 that block it",
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
			`remove finalizer foregroundDeletion from ConfigMap default/x: all that blocked its deletion is gone`,
		},
		{
			"takes an owner that orphans out of its dependents, and holds it until all have been seen",
			object("x", deleted(time.Second, orphans)), world{dependents: dependents(object("y", owns("x")))},
			`patch ConfigMap default/y {"metadata":{"ownerReferences":null}}: their owner ConfigMap default/x is deleted without its dependents
look again in 500ms: all of its dependents have been seen then`,
		},
		{
			"lets an owner go that has orphaned",
			object("x", deleted(2*time.Second, orphans)), world{},
			`remove finalizer orphan from ConfigMap default/x: nothing refers to it any more`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := test.obj.DeepCopy()
			test.world.obj = test.obj
			if got := (Controller{}).Plan(client.ObjectKey{}, test.world, noon).String(); got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
			if before.String() != test.obj.String() {
				t.Error("planning has changed the object")
			}
		})
	}
}

func TestPlanReportsAnOwnerThatIsInAnotherNamespaceOrCannotBeInOne(t *testing.T) {
	obj := object("x", owns("a"))
	for _, test := range []struct {
		name   string
		change func(*owner)
		want   []string
	}{
		{"one that is elsewhere", func(o *owner) { o.state, o.elsewhere = missing, true }, []string{"event", "delete"}},
		{"one of an object without namespace", func(o *owner) { o.state = invalid }, []string{"event"}},
		{"no other", func(o *owner) { o.state = missing }, []string{"delete"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := world{obj: obj, owners: owners(obj, exists)}
			test.change(&w.owners[0])
			verbs := []string{}
			for _, step := range (Controller{}).Plan(client.ObjectKey{}, w, noon).All() {
				verbs = append(verbs, step.Verb())
			}
			if !slices.Equal(verbs, test.want) {
				t.Errorf("the steps are %v, want %v", verbs, test.want)
			}
		})
	}
}
