package apis

import (
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// AddToScheme registers every kind in scheme: those of [Kinds] under n's groups, and the
// kinds that an API server itself acts on under the one name they have.
//
// It returns an error if n is not a naming, and if the scheme already knows one of the names
// by another Go type, as the scheme of client-go does: start from [runtime.NewScheme].
// Calling it twice with the same naming changes nothing.
func AddToScheme(scheme *runtime.Scheme, n Naming) error {
	if _, err := ParseNaming(string(n)); err != nil {
		return err
	}
	for _, k := range kinds {
		gv := k.groupVersion(n)
		if err := register(scheme, gv, k.obj, k.list); err != nil {
			return err
		}
	}
	for _, u := range upstreamKinds {
		if err := register(scheme, u.gv, u.objects...); err != nil {
			return err
		}
	}
	for _, add := range upstreamGroups {
		if err := add(scheme); err != nil {
			return fmt.Errorf("registering upstream kinds: %w", err)
		}
	}
	return nil
}

// register adds objects to one version of one group, with the options which a client sends.
func register(scheme *runtime.Scheme, gv schema.GroupVersion, objects ...runtime.Object) error {
	for _, obj := range objects {
		t := reflect.TypeOf(obj).Elem()
		if known, ok := scheme.KnownTypes(gv)[t.Name()]; ok && known != t {
			return fmt.Errorf("registering %s as %s: the scheme already knows it as %s; start from an empty scheme",
				t, gv.WithKind(t.Name()), known.PkgPath()+"."+known.Name())
		}
	}
	scheme.AddKnownTypes(gv, objects...)
	metav1.AddToGroupVersion(scheme, gv)
	return nil
}
