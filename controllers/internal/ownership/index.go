package ownership

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// field is the index that finds objects by the UID of their controller.
	field = "controller"
	// nobody stands in the index for objects without a controller.
	nobody = "nobody"
)

// Indexed lets a loop find objects of the kind of obj by [Controlled] and [Orphans].
func Indexed(obj client.Object) loop.Option {
	return loop.Indexes(obj, field, func(obj client.Object) []string {
		if ref := metav1.GetControllerOfNoCopy(obj); ref != nil {
			return []string{string(ref.UID)}
		}
		return []string{nobody}
	})
}

// Controlled reads into list all objects of a namespace which the owner with the given UID controls.
func Controlled(ctx context.Context, read client.Reader, namespace string, owner types.UID, list client.ObjectList, more ...client.ListOption) error {
	if err := listBy(ctx, read, namespace, string(owner), list, more); err != nil {
		return fmt.Errorf("listing what %s controls: %w", owner, err)
	}
	return nil
}

// Orphans reads into list all objects of a namespace without a controller.
func Orphans(ctx context.Context, read client.Reader, namespace string, list client.ObjectList, more ...client.ListOption) error {
	if err := listBy(ctx, read, namespace, nobody, list, more); err != nil {
		return fmt.Errorf("listing what nobody controls: %w", err)
	}
	return nil
}

func listBy(ctx context.Context, read client.Reader, namespace, controller string, list client.ObjectList, more []client.ListOption) error {
	return read.List(ctx, list, append([]client.ListOption{client.InNamespace(namespace), client.MatchingFields{field: controller}}, more...)...)
}
