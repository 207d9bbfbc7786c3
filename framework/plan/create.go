package plan

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// CreateAll is [Plan.Create] for a slice of objects of one kind.
func CreateAll[T client.Object](p *Plan, why string, objs []T) *Create {
	return p.Create(why, objects(objs)...)
}

// Create creates objects side by side, one at first and one more with each that succeeds, and begins no more after a failure: a
// quota that is used up costs a few refused requests and not a thousand.
//
// An object that already exists under its own name and belongs to the same controller is success: it is this step,
// done before. One that belongs to somebody else is an error.
type Create struct {
	objs  []client.Object
	owner client.Object
	as    []controllerutil.OwnerReferenceOption
	why   string
	hooks hooks
}

// OwnedBy makes owner the controller of every object that is created, under the API group of the loop's naming. By default the owner
// waits for them when it is deleted in the foreground; the options may say otherwise.
func (s *Create) OwnedBy(owner client.Object, options ...controllerutil.OwnerReferenceOption) *Create {
	s.owner, s.as = owner, options
	return s
}

// Succeeded records an event for each object, once it has been created (and so has its name).
func (s *Create) Succeeded(event func(created client.Object) Event) *Create {
	s.hooks.succeeded = event
	return s
}

// Failed records an event for each object that could not be created. That its namespace is being deleted is no failure.
func (s *Create) Failed(event func(obj client.Object, err error) Event) *Create {
	s.hooks.failed = event
	return s
}

// Objects are what is to be created, without owner. They must not be changed.
func (s *Create) Objects() []client.Object { return s.objs }

// Owner is the controller of what is created; nil means that it has none.
func (s *Create) Owner() client.Object { return s.owner }

// Verb is "create".
func (s *Create) Verb() string { return "create" }

// Why is the reason that was given.
func (s *Create) Why() string { return s.why }

func (s *Create) String() string { return "create " + describe(s.objs) }

// Do creates the objects.
func (s *Create) Do(ctx context.Context, act Actor) error {
	return slowStart(len(s.objs), act.SideBySide(), func(i int) error {
		obj := s.objs[i].DeepCopyObject().(client.Object)
		err := s.create(ctx, act, obj)
		s.hooks.record(act, obj, err)
		if err != nil {
			return fmt.Errorf("creating %s: %w", name(obj), err)
		}
		return nil
	})
}

func (s *Create) create(ctx context.Context, act Actor, obj client.Object) error {
	if s.owner != nil {
		if err := controllerutil.SetControllerReference(s.owner, obj, act.Scheme(), s.as...); err != nil {
			return err
		}
	}
	err := act.Create(ctx, obj, act.FieldOwner())
	if !apierrors.IsAlreadyExists(err) || obj.GetName() == "" {
		return err
	}
	exists := obj.DeepCopyObject().(client.Object)
	if readErr := act.Live().Get(ctx, client.ObjectKeyFromObject(obj), exists); readErr != nil {
		return fmt.Errorf("%w; and reading the object that exists: %w", err, readErr)
	}
	if !s.ours(exists) {
		return err
	}
	return nil
}

// ours reports whether an object that exists is the one this step was to create. An object without a controller is
// told apart by its name alone.
func (s *Create) ours(exists client.Object) bool {
	controller := metav1.GetControllerOf(exists)
	if s.owner == nil {
		return controller == nil
	}
	return controller != nil && controller.UID == s.owner.GetUID()
}

// NamespaceTerminating reports that a create was refused because its namespace is being deleted. The loop then ends
// the pass quietly, for whatever was to be made there goes away with the namespace.
func NamespaceTerminating(err error) bool {
	const cause = "NamespaceTerminating" // k8s.io/api/core/v1.NamespaceTerminatingCause
	return apierrors.HasStatusCause(err, cause)
}
