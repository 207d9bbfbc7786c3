package ownership

import (
	"context"
	"fmt"
	"reflect"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// reasonInvalidSelector is the reason of the event about an owner whose selector cannot be read.
const reasonInvalidSelector = "InvalidSelector"

// Observe reads what owner controls of one kind and what it could adopt, and sorts it. An empty list says which kind; the loop
// has it [Indexed]. A selector that is invalid is told as an event (InvalidSelector), and nothing to try again before somebody
// changes it; a nil one selects nothing.
//
// The objects are the cache's own, for an owner may have ten thousand, and is looked at whenever one of them changes: whoever changes
// one copies it first.
//
//	claims, err := ownership.Observe[*ocorev1.Pod](ctx, view, rs, rs.Spec.Selector, &ocorev1.PodList{})
func Observe[T client.Object](ctx context.Context, read client.Reader, owner client.Object, selector *metav1.LabelSelector, list client.ObjectList) (Claims[T], error) {
	selects, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return Claims[T]{}, plan.StopAbout(owner, reasonInvalidSelector, fmt.Errorf("reading the selector of %s %s: %w",
			reflect.TypeOf(owner).Elem().Name(), client.ObjectKeyFromObject(owner), err))
	}
	controlled, err := Borrow[T](ctx, read, owner.GetNamespace(), owner.GetUID(), empty(list))
	if err != nil {
		return Claims[T]{}, err
	}
	orphans, err := borrowOrphans[T](ctx, read, owner.GetNamespace(), empty(list))
	if err != nil {
		return Claims[T]{}, err
	}
	return Claim(owner, selects, append(controlled, orphans...)), nil
}

// WakesAdopters wakes a loop over owners O for those of them that would adopt an object of the kind T which nobody controls. An
// empty list of owners says of which kind they are.
func WakesAdopters[O, T client.Object](owners client.ObjectList, selector func(O) *metav1.LabelSelector) loop.Option {
	return loop.Watches(func(ctx context.Context, read client.Reader, orphan T) ([]client.ObjectKey, error) {
		if metav1.GetControllerOfNoCopy(orphan) != nil {
			return nil, nil
		}
		candidates := empty(owners)
		if err := read.List(ctx, candidates, client.InNamespace(orphan.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("listing who might adopt %s: %w", client.ObjectKeyFromObject(orphan), err)
		}
		var keys []client.ObjectKey
		for _, owner := range items[O](candidates) {
			if Adoptable(orphan, selector(owner)) {
				keys = append(keys, client.ObjectKeyFromObject(owner))
			}
		}
		return keys, nil
	})
}

// empty is a new list of the same kind.
func empty(list client.ObjectList) client.ObjectList {
	fresh := reflect.New(reflect.TypeOf(list).Elem()).Interface().(client.ObjectList)
	fresh.GetObjectKind().SetGroupVersionKind(list.GetObjectKind().GroupVersionKind())
	return fresh
}

// items are what a list holds. It panics on a list of another kind, which is a mistake in the caller's code.
func items[T client.Object](list client.ObjectList) []T {
	var items []T
	err := meta.EachListItem(list, func(item runtime.Object) error {
		items = append(items, item.(T))
		return nil
	})
	if err != nil {
		panic(fmt.Errorf("reading the items of %T: %w", list, err))
	}
	return items
}
