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

// Indexed lets a loop find objects of the kind of obj by [Controlled], [Borrow] and [Observe].
func Indexed(obj client.Object) loop.Option {
	return loop.Indexes(obj, field, func(obj client.Object) []string {
		if ref := metav1.GetControllerOfNoCopy(obj); ref != nil {
			return []string{string(ref.UID)}
		}
		return []string{nobody}
	})
}

// Controlled reads into list all objects of a namespace which the owner with the given UID controls.
func Controlled(ctx context.Context, read client.Reader, namespace string, owner types.UID, list client.ObjectList) error {
	if err := read.List(ctx, list, under(namespace, string(owner))...); err != nil {
		return fmt.Errorf("listing what %s controls: %w", owner, err)
	}
	return nil
}

// Borrow is Controlled for an owner of many objects: they are the cache's own, as those of [loop.Borrow]. An empty list says of which
// kind they are.
func Borrow[T client.Object](ctx context.Context, read client.Reader, namespace string, owner types.UID, list client.ObjectList) ([]T, error) {
	objs, err := loop.Borrow[T](ctx, read, list, under(namespace, string(owner))...)
	if err != nil {
		return nil, fmt.Errorf("listing what %s controls: %w", owner, err)
	}
	return objs, nil
}

// borrowOrphans reads all objects of a namespace without a controller.
func borrowOrphans[T client.Object](ctx context.Context, read client.Reader, namespace string, list client.ObjectList) ([]T, error) {
	objs, err := loop.Borrow[T](ctx, read, list, under(namespace, nobody)...)
	if err != nil {
		return nil, fmt.Errorf("listing what nobody controls: %w", err)
	}
	return objs, nil
}

// under asks for the objects of a namespace that the index has under a controller.
func under(namespace, controller string) []client.ListOption {
	return []client.ListOption{client.InNamespace(namespace), client.MatchingFields{field: controller}}
}
