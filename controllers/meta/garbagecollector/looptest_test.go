package garbagecollector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fixed is a catalogue of kinds that do not change. It sees every other object go; for the others the API server is asked.
type fixed struct {
	kinds []kinds.Kind
	dead  map[types.UID]id
}

func (f *fixed) find(name schema.GroupKind) (kind kinds.Kind, known, read bool) {
	for _, kind := range f.kinds {
		if kind.GroupKind() == name {
			return kind, true, true
		}
	}
	return kinds.Kind{}, false, false
}

func (f *fixed) kindsOwnedBy(types.UID) []schema.GroupVersionKind {
	return []schema.GroupVersionKind{configMaps, secrets, clusterRoles}
}

func (f *fixed) died(uid types.UID) (id, bool) {
	at, died := f.dead[uid]
	return at, died
}

func (f *fixed) bury(uid types.UID, at id) { f.dead[uid] = at }

// sees is an invariant that always holds: it is told of every write.
func (f *fixed) sees(_ *looptest.World, wrote looptest.Write) error {
	if gone := wrote.Before; gone != nil && wrote.After == nil && gone.GetUID()[len(gone.GetUID())-1]%2 == 0 {
		f.dead[gone.GetUID()] = id{kindOf(gone), client.ObjectKeyFromObject(gone)}
	}
	return nil
}

// TestCollectsRandomGraphs checks, in random graphs of objects that own each other, circles and all, with whatever is
// deleted in whatever way: no object goes while it has an owner; no owner that orphans goes while something refers to
// it; none that waits goes while something blocks it; and in the end nothing is left that has no owner any more.
func TestCollectsRandomGraphs(t *testing.T) {
	known := &fixed{kinds: []kinds.Kind{
		{GroupVersionKind: configMaps, Namespaced: true},
		{GroupVersionKind: secrets, Namespaced: true},
		{GroupVersionKind: clusterRoles},
	}}
	looptest.Check(t, looptest.Spec{
		Scheme:       kubernetes(t),
		Loops:        []loop.Loop{loopOver(known)},
		OwnCollector: true,
		AlwaysAwake:  true,
		CurrentLists: true, // the monitors ask for such
		Start:        graphOf,
		Prepare:      func(*looptest.World) { known.dead = map[types.UID]id{} },
		Change:       createOrDelete,
		Environment:  letGoOfDeleted,
		Invariants:   []looptest.Invariant{known.sees, keepsWhatHasAnOwner(), letsGoOfTheUnblocked},
		Converged:    nothingIsLeftBehind,
	})
}

// loopOver is the loop without its graph: it finds what that would find by fields, and is woken for every object.
func loopOver(known *fixed) loop.Loop {
	options := []loop.Option{loop.Watches(itself[*corev1.ConfigMap]), loop.Watches(itself[*corev1.Secret]), loop.Watches(itself[*rbacv1.ClusterRole])}
	for _, kind := range known.kinds {
		options = append(options,
			loop.Indexes(metadataOf(kind.GroupVersionKind), uidField, func(obj client.Object) []string { return []string{string(obj.GetUID())} }),
			loop.Indexes(metadataOf(kind.GroupVersionKind), ownerField, uidsOfOwners))
	}
	return loop.NewGroup(name, Controller{known: known}, options...)
}

func itself[O client.Object](_ context.Context, _ client.Reader, changed O) ([]client.ObjectKey, error) {
	return []client.ObjectKey{Key(kindOf(changed).GroupKind(), client.ObjectKeyFromObject(changed))}, nil
}

func uidsOfOwners(obj client.Object) []string {
	var uids []string
	for _, owner := range obj.GetOwnerReferences() {
		uids = append(uids, string(owner.UID))
	}
	return uids
}

func kubernetes(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	return scheme
}

const keep = "example.com/keep"

// graphOf draws objects of three kinds in two namespaces and in none, each of which has some of all as owners. Some
// owners have never been.
func graphOf(t *rapid.T) []client.Object {
	objs := make([]client.Object, rapid.IntRange(1, 8).Draw(t, "objects"))
	for i := range objs {
		objs[i] = emptyObject(rapid.IntRange(0, 2).Draw(t, "kind"))
		objs[i].SetName(fmt.Sprintf("o%d", i))
		objs[i].SetUID(types.UID(fmt.Sprintf("o%d", i)))
		if _, cluster := objs[i].(*rbacv1.ClusterRole); !cluster {
			objs[i].SetNamespace(rapid.SampledFrom([]string{"a", "a", "a", "b"}).Draw(t, "namespace"))
		}
		if rapid.IntRange(0, 3).Draw(t, "kept") == 0 {
			objs[i].SetFinalizers([]string{keep})
		}
	}
	for _, obj := range objs {
		for range rapid.IntRange(0, 2).Draw(t, "owners") {
			obj.SetOwnerReferences(append(obj.GetOwnerReferences(), drawOwner(t, objs)))
		}
	}
	return objs
}

func emptyObject(kind int) client.Object {
	return []client.Object{&corev1.ConfigMap{}, &corev1.Secret{}, &rbacv1.ClusterRole{}}[kind]
}

func drawOwner(t *rapid.T, objs []client.Object) metav1.OwnerReference {
	blocks := rapid.Bool().Draw(t, "blocks")
	i := rapid.IntRange(0, len(objs)).Draw(t, "owner")
	if i == len(objs) {
		return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "nobody", UID: "nobody", BlockOwnerDeletion: &blocks}
	}
	kind := kindOf(objs[i])
	return metav1.OwnerReference{
		APIVersion: kind.GroupVersion().String(), Kind: kind.Kind,
		Name: objs[i].GetName(), UID: objs[i].GetUID(), BlockOwnerDeletion: &blocks,
	}
}

func kindOf(obj client.Object) schema.GroupVersionKind {
	switch obj.(type) {
	case *corev1.ConfigMap:
		return configMaps
	case *corev1.Secret:
		return secrets
	default:
		return clusterRoles
	}
}

func all(w *looptest.World) []client.Object {
	var objs []client.Object
	for _, obj := range looptest.All[*corev1.ConfigMap](w) {
		objs = append(objs, obj)
	}
	for _, obj := range looptest.All[*corev1.Secret](w) {
		objs = append(objs, obj)
	}
	for _, obj := range looptest.All[*rbacv1.ClusterRole](w) {
		objs = append(objs, obj)
	}
	return objs
}

func createOrDelete(t *rapid.T, w *looptest.World) {
	if rapid.IntRange(0, 2).Draw(t, "create") == 0 {
		createFamily(t, w)
	} else {
		deleteSomething(t, w)
	}
}

// createFamily creates an owner and a dependent of another kind, whose watch may be ahead of the owner's.
func createFamily(t *rapid.T, w *looptest.World) {
	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "a", GenerateName: "owner-"}}
	dependent := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "a", GenerateName: "dependent-"}}
	user := w.Client("user")
	if err := user.Create(context.Background(), owner); err != nil {
		t.Fatal(err)
	}
	blocks := rapid.Bool().Draw(t, "blocks")
	dependent.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, BlockOwnerDeletion: &blocks,
	}}
	if err := user.Create(context.Background(), dependent); err != nil {
		t.Fatal(err)
	}
}

func deleteSomething(t *rapid.T, w *looptest.World) {
	objs := all(w)
	if len(objs) == 0 {
		return
	}
	obj := objs[rapid.IntRange(0, len(objs)-1).Draw(t, "deleted")]
	if obj.GetDeletionTimestamp() != nil {
		return // a user who thinks better of how to delete is not what is tried here
	}
	how := rapid.SampledFrom([]metav1.DeletionPropagation{
		metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan,
	}).Draw(t, "how")
	err := w.Client("user").Delete(context.Background(), obj.DeepCopyObject().(client.Object), client.PropagationPolicy(how))
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

// letGoOfDeleted removes the finalizer of somebody else from an object that is being deleted.
func letGoOfDeleted(w *looptest.World, pick func(int) int) bool {
	var kept []client.Object
	for _, obj := range all(w) {
		if obj.GetDeletionTimestamp() != nil && slices.Contains(obj.GetFinalizers(), keep) {
			kept = append(kept, obj)
		}
	}
	if len(kept) == 0 {
		return false
	}
	looptest.Edit(w, "keeper", kept[pick(len(kept))], func(obj client.Object) {
		obj.SetFinalizers(slices.DeleteFunc(obj.GetFinalizers(), func(f string) bool { return f == keep }))
	})
	return true
}

// ownerOf is the object that a reference of a dependent names; nil if there is none where it has to be.
func ownerOf(w *looptest.World, dependent client.Object, ref metav1.OwnerReference) client.Object {
	for _, obj := range all(w) {
		if obj.GetUID() == ref.UID && (obj.GetNamespace() == "" || obj.GetNamespace() == dependent.GetNamespace()) {
			return obj
		}
	}
	return nil
}

// keepsWhatHasAnOwner is the invariant that nothing is deleted while it has an owner, other than one that waits for its
// dependents, or has done so: other finalizers may hold that for longer.
func keepsWhatHasAnOwner() looptest.Invariant {
	var world *looptest.World
	var waited map[types.UID]bool
	return func(w *looptest.World, wrote looptest.Write) error {
		if w != world {
			world, waited = w, map[types.UID]bool{}
		}
		if wrote.After != nil && isWaiting(wrote.After) {
			waited[wrote.After.GetUID()] = true
		}
		if wrote.By != name || wrote.Verb != "delete" {
			return nil
		}
		for _, ref := range wrote.Before.GetOwnerReferences() {
			if wrote.Before.GetNamespace() == "" && ref.Kind != "ClusterRole" {
				return fmt.Errorf("it has no namespace, and so cannot tell of which %s %s is", ref.Kind, ref.Name)
			}
			if owner := ownerOf(w, wrote.Before, ref); owner != nil && !waited[owner.GetUID()] {
				return fmt.Errorf("its owner %s exists", owner.GetName())
			}
		}
		return nil
	}
}

func isWaiting(obj client.Object) bool {
	return obj.GetDeletionTimestamp() != nil && slices.Contains(obj.GetFinalizers(), metav1.FinalizerDeleteDependents)
}

// letsGoOfTheUnblocked is the invariant that an owner is held for its dependents. Those that were created a moment ago it
// may have missed: watches of two kinds are not in step.
func letsGoOfTheUnblocked(w *looptest.World, wrote looptest.Write) error {
	if wrote.By != name || wrote.Before == nil || wrote.Verb != "patch" {
		return nil
	}
	lost := func(finalizer string) bool {
		return slices.Contains(wrote.Before.GetFinalizers(), finalizer) &&
			(wrote.After == nil || !slices.Contains(wrote.After.GetFinalizers(), finalizer))
	}
	for _, dependent := range all(w) {
		if dependent.GetGenerateName() != "" {
			continue
		}
		for _, ref := range dependent.GetOwnerReferences() {
			if ref.UID != wrote.Before.GetUID() || ownerIsElsewhere(wrote.Before, dependent) {
				continue
			}
			if lost(metav1.FinalizerOrphanDependents) {
				return fmt.Errorf("%s still refers to it", dependent.GetName())
			}
			if lost(metav1.FinalizerDeleteDependents) && *ref.BlockOwnerDeletion {
				return fmt.Errorf("%s still blocks it", dependent.GetName())
			}
		}
	}
	return nil
}

func ownerIsElsewhere(owner, dependent client.Object) bool {
	return owner.GetNamespace() != "" && owner.GetNamespace() != dependent.GetNamespace()
}

func nothingIsLeftBehind(w *looptest.World) error {
	var wrong []error
	for _, obj := range all(w) {
		if obj.GetDeletionTimestamp() != nil {
			wrong = append(wrong, fmt.Errorf("%s is still being deleted: %v", obj.GetName(), obj.GetFinalizers()))
		}
		if refs := obj.GetOwnerReferences(); len(refs) > 0 && !hasOwnerOrCannot(w, obj, refs) {
			wrong = append(wrong, fmt.Errorf("%s has no owner any more", obj.GetName()))
		}
	}
	return errors.Join(wrong...)
}

// hasOwnerOrCannot reports that an object has an owner, or refers to one that objects without a namespace cannot have.
func hasOwnerOrCannot(w *looptest.World, obj client.Object, refs []metav1.OwnerReference) bool {
	return slices.ContainsFunc(refs, func(ref metav1.OwnerReference) bool {
		return ownerOf(w, obj, ref) != nil || obj.GetNamespace() == "" && ref.Kind != "ClusterRole"
	})
}
