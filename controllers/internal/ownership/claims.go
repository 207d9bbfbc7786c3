package ownership

import (
	"fmt"
	"slices"

	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Claims sorts objects by what they are to one owner.
type Claims[T client.Object] struct {
	// Held are the objects that the owner controls and selects.
	Held []T
	// Wanted are objects without a controller that the owner selects, and shall adopt.
	Wanted []T
	// Unwanted are objects that the owner controls but does not select, and shall release.
	Unwanted []T
}

// Claim sorts objects of the owner's namespace. Those that belong to others, or to nobody and match nothing, are left
// out, and so are orphans that are being deleted. An owner that is being deleted has no open claims.
func Claim[T client.Object](owner client.Object, selector labels.Selector, objs []T) Claims[T] {
	var c Claims[T]
	going := owner.GetDeletionTimestamp() != nil
	for _, obj := range objs {
		ref := metav1.GetControllerOfNoCopy(obj)
		selected := selector.Matches(labels.Set(obj.GetLabels()))
		switch {
		case ref != nil && ref.UID == owner.GetUID() && selected:
			c.Held = append(c.Held, obj)
		case ref != nil && ref.UID == owner.GetUID() && !going:
			c.Unwanted = append(c.Unwanted, obj)
		case ref == nil && selected && !going && obj.GetDeletionTimestamp() == nil:
			c.Wanted = append(c.Wanted, obj)
		}
	}
	return c
}

// Adoptable reports whether an owner with this selector would adopt obj, unless the owner or obj is being deleted. It
// says whom to wake when an object without a controller is in sight. An empty selector adopts nothing.
func Adoptable(obj client.Object, selector *metav1.LabelSelector) bool {
	if metav1.GetControllerOfNoCopy(obj) != nil || len(obj.GetLabels()) == 0 {
		return false
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && !s.Empty() && s.Matches(labels.Set(obj.GetLabels()))
}

// Selects reports whether a selector selects obj. One that is nil or invalid selects nothing.
func Selects(selector *metav1.LabelSelector, obj client.Object) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(obj.GetLabels()))
}

// Where are the claims to the objects that keep chooses.
func (c Claims[T]) Where(keep func(T) bool) Claims[T] {
	drop := func(obj T) bool { return !keep(obj) }
	return Claims[T]{
		Held:     slices.DeleteFunc(slices.Clone(c.Held), drop),
		Wanted:   slices.DeleteFunc(slices.Clone(c.Wanted), drop),
		Unwanted: slices.DeleteFunc(slices.Clone(c.Unwanted), drop),
	}
}

// Open reports whether there is anything to adopt or to release.
func (c Claims[T]) Open() bool { return len(c.Wanted)+len(c.Unwanted) > 0 }

// Settle plans to adopt what is wanted and to release what is not.
func (c Claims[T]) Settle(p *plan.Plan, owner client.Object) {
	if len(c.Wanted) > 0 {
		p.Do(&adopt{owner: owner, objs: objects(c.Wanted)})
	}
	for _, obj := range c.Unwanted {
		released := obj.DeepCopyObject().(client.Object)
		released.SetOwnerReferences(slices.DeleteFunc(released.GetOwnerReferences(), func(ref metav1.OwnerReference) bool {
			return ref.UID == owner.GetUID()
		}))
		p.Patch(fmt.Sprintf("release it: its labels no longer match the selector of %s", owner.GetName()), obj, released)
	}
}

func objects[T client.Object](objs []T) []client.Object {
	out := make([]client.Object, len(objs))
	for i, obj := range objs {
		out[i] = obj
	}
	return out
}
