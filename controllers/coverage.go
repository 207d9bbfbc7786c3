package controllers

import (
	"fmt"
	"slices"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// BuiltIn is a kind that every API server stores, and what makes it more than stored here. See BuiltIns.
type BuiltIn struct {
	// Kind is its first name, as in "StatefulSet.apps".
	schema.GroupKind
	// By says who acts on its objects, where that is not a loop of this table over them: "the API server". Empty means that it takes a loop.
	By string
	// Without says what fails to happen while there is no such loop: "no pods are made from it".
	Without string
	// Besides are rooms of loops over its objects that do not make it work, as one that only protects or clears away.
	Besides []string
}

// Resource is its plural name, as in "statefulsets.apps".
func (b BuiltIn) Resource() schema.GroupResource {
	plural, _ := meta.UnsafeGuessKindToResource(b.WithVersion(""))
	return plural.GroupResource()
}

// Warning is what somebody is told who makes an object of the kind while nothing here acts on it.
func (b BuiltIn) Warning() string {
	return fmt.Sprintf("orrery itself does nothing with a %s: %s", b.Kind, b.Without)
}

// Unserved are the kinds that take a loop which is not among the entries. Their objects are stored, and nothing comes of them
// unless somebody brings a controller.
func Unserved(entries []Entry) []BuiltIn {
	decided := map[schema.GroupKind][]string{}
	for _, e := range entries {
		if kind, ok := decidesFor(e.Loop); ok {
			decided[kind] = append(decided[kind], e.Room)
		}
	}
	return slices.DeleteFunc(BuiltIns(), func(b BuiltIn) bool {
		return b.By != "" || slices.ContainsFunc(decided[b.GroupKind], func(room string) bool { return !slices.Contains(b.Besides, room) })
	})
}

// canonical knows the kinds by their first names.
var canonical = func() *runtime.Scheme {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		panic(err) // our own kinds can be registered
	}
	return scheme
}()

// decidesFor is the kind that a loop decides for: of its objects, or of those that wake a loop over groups first. A loop over every
// kind decides for none in particular.
func decidesFor(l loop.Loop) (schema.GroupKind, bool) {
	var object client.Object
	if object = l.Object(); object == nil {
		watches := l.Watches()
		if len(watches) == 0 {
			return schema.GroupKind{}, false
		}
		object = watches[0].Object
	}
	if object == nil {
		return schema.GroupKind{}, false
	}
	gvk, err := apiutil.GVKForObject(object, canonical)
	return gvk.GroupKind(), err == nil
}
