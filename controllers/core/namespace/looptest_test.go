package namespace

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// answering is discovery that answers so, and fails.
type answering struct {
	lists []*metav1.APIResourceList
	err   error
}

func (a answering) ServerPreferredResourcesWithContext(context.Context) ([]*metav1.APIResourceList, error) {
	return a.lists, a.err
}

func kindsUnder(naming apis.Naming) kinds.Source {
	verbs := metav1.Verbs{"list", "delete", "deletecollection"}
	pods := ocorev1.GroupVersion
	pods.Group = naming.Group(pods.Group)
	return kinds.Source{Discovery: answering{lists: []*metav1.APIResourceList{
		{GroupVersion: pods.String(), APIResources: []metav1.APIResource{
			{Name: "pods", Kind: "Pod", Namespaced: true, Verbs: verbs},
		}},
		{GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "configmaps", Kind: "ConfigMap", Namespaced: true, Verbs: verbs},
			{Name: "secrets", Kind: "Secret", Namespaced: true, Verbs: metav1.Verbs{"list", "delete"}},
			{Name: "bindings", Kind: "Binding", Namespaced: true, Verbs: metav1.Verbs{"create"}},
			{Name: "namespaces", Kind: "Namespace", Verbs: metav1.Verbs{"list", "delete"}},
		}},
	}}}
}

// TestEmptiesRandomNamespaces checks that deleted namespaces go, whatever is in them, and no other; that all of their
// pods go before anything else of theirs, and that they stay until they are empty.
func TestEmptiesRandomNamespaces(t *testing.T) {
	for _, naming := range apis.Namings() {
		t.Run(naming.String(), func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := apis.AddToScheme(scheme, naming); err != nil {
				t.Fatal(err)
			}
			looptest.Check(t, looptest.Spec{
				Scheme:      scheme,
				Loops:       []loop.Loop{Loop(Options{Kinds: kindsUnder(naming)})},
				Start:       someNamespaces,
				Prepare:     likeAServer,
				Change:      deleteNamespace,
				Environment: endWhatIsDeleted,
				Invariants:  []looptest.Invariant{podsGoFirst, staysUntilEmpty, onlyDeletedOnes},
				Converged:   deletedOnesAreGone,
				Part:        fewerKinds,
			})
		})
	}
}

// fewerKinds reports whether a step deletes what another does of some of its kinds: a kind that cannot be listed holds up no other.
func fewerKinds(part, whole plan.Step) bool {
	some, ok := part.(*empty)
	all, are := whole.(*empty)
	return ok && are && !slices.ContainsFunc(some.contents, func(c content) bool {
		return !slices.ContainsFunc(all.contents, func(other content) bool { return reflect.DeepEqual(c, other) })
	})
}

// held stands in these worlds for what spec.finalizers do on a server: they hold a namespace that is being deleted.
const held = "held/by-spec"

func likeAServer(w *looptest.World) {
	w.Graceful = func(obj client.Object) bool {
		_, pod := obj.(*ocorev1.Pod)
		return pod
	}
	w.Subresources = map[string]func(stored, body client.Object) error{"finalize": func(stored, body client.Object) error {
		namespace := stored.(*corev1.Namespace)
		namespace.Spec.Finalizers = body.(*corev1.Namespace).Spec.Finalizers
		if len(namespace.Spec.Finalizers) == 0 {
			namespace.Finalizers = nil
		}
		return nil
	}}
}

func someNamespaces(t *rapid.T) []client.Object {
	var objs []client.Object
	for _, name := range []string{"a", "b"} {
		objs = append(objs, &corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{Name: name, Finalizers: []string{held}},
			Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
			Status:     corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
		})
		for i := range rapid.IntRange(0, 4).Draw(t, "objects") {
			obj := rapid.SampledFrom([]client.Object{&ocorev1.Pod{}, &corev1.ConfigMap{}, &corev1.Secret{}}).Draw(t, "kind").DeepCopyObject().(client.Object)
			obj.SetNamespace(name)
			obj.SetName(fmt.Sprintf("o%d", i))
			if rapid.IntRange(0, 2).Draw(t, "kept") == 0 {
				obj.SetFinalizers([]string{"example.com/keep"})
			}
			objs = append(objs, obj)
		}
	}
	return objs
}

func deleteNamespace(t *rapid.T, w *looptest.World) {
	if err := w.Client("user").Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}}); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

func contentOf(w *looptest.World, namespace string) []client.Object {
	var objs []client.Object
	for _, obj := range looptest.All[*ocorev1.Pod](w) {
		objs = append(objs, obj)
	}
	for _, obj := range looptest.All[*corev1.ConfigMap](w) {
		objs = append(objs, obj)
	}
	for _, obj := range looptest.All[*corev1.Secret](w) {
		objs = append(objs, obj)
	}
	return slices.DeleteFunc(objs, func(obj client.Object) bool { return obj.GetNamespace() != namespace })
}

// endWhatIsDeleted removes finalizers from, and ends the grace of, one object that is being deleted.
func endWhatIsDeleted(w *looptest.World, pick func(int) int) bool {
	objs := slices.DeleteFunc(contentOf(w, "a"), func(obj client.Object) bool { return obj.GetDeletionTimestamp() == nil })
	if len(objs) == 0 {
		return false
	}
	obj := objs[pick(len(objs))]
	looptest.Edit(w, "keeper", obj, func(obj client.Object) { obj.SetFinalizers(nil) })
	_ = w.Client("kubelet").Delete(context.Background(), obj.DeepCopyObject().(client.Object), client.GracePeriodSeconds(0))
	return true
}

func podsGoFirst(w *looptest.World, wrote looptest.Write) error {
	if wrote.By != "namespace-controller" || wrote.Verb != "delete" {
		return nil
	}
	if _, pod := wrote.Before.(*ocorev1.Pod); pod {
		return nil
	}
	for _, obj := range contentOf(w, wrote.Before.GetNamespace()) {
		if _, pod := obj.(*ocorev1.Pod); pod {
			return fmt.Errorf("pod %s is still there", obj.GetName())
		}
	}
	return nil
}

func staysUntilEmpty(w *looptest.World, wrote looptest.Write) error {
	if _, namespace := wrote.Before.(*corev1.Namespace); !namespace || wrote.After != nil {
		return nil
	}
	if n := len(contentOf(w, wrote.Before.GetName())); n > 0 {
		return fmt.Errorf("%d objects are still in it", n)
	}
	return nil
}

func onlyDeletedOnes(_ *looptest.World, wrote looptest.Write) error {
	if wrote.By == "namespace-controller" && (wrote.Before.GetNamespace() == "b" || wrote.Before.GetName() == "b") {
		return errors.New("the namespace is not deleted")
	}
	return nil
}

func deletedOnesAreGone(w *looptest.World) error {
	for _, namespace := range looptest.All[*corev1.Namespace](w) {
		if namespace.DeletionTimestamp != nil {
			return fmt.Errorf("namespace %s is still there: %v", namespace.Name, namespace.Status.Conditions)
		}
	}
	return nil
}
