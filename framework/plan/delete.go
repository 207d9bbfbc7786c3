package plan

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// DeleteAll is [Plan.Delete] for a slice of objects of one kind.
func DeleteAll[T client.Object](p *Plan, why string, objs []T) *Delete {
	return p.Delete(why, objects(objs)...)
}

// Delete deletes objects side by side, each under the condition that it still has the observed UID. An object that is
// gone, or has been replaced by another of its name, is success.
type Delete struct {
	objs      []client.Object
	unchanged bool
	confirm   confirm
	options   []client.DeleteOption
	why       string
	hooks     hooks
}

// Unchanged deletes only what still has the observed resourceVersion. It is for a decision that any change of the
// object could overturn.
func (s *Delete) Unchanged() *Delete {
	s.unchanged = true
	return s
}

// Confirm has check look at the API server itself once, right before the first object is deleted. Its error ends the step, and
// says what happens next: see [Wait] and [Stop].
func (s *Delete) Confirm(check func(ctx context.Context, live client.Reader) error) *Delete {
	s.confirm = check
	return s
}

// With adds options, as in client.GracePeriodSeconds(0) or client.PropagationPolicy(metav1.DeletePropagationOrphan).
func (s *Delete) With(options ...client.DeleteOption) *Delete {
	s.options = append(s.options, options...)
	return s
}

// Succeeded records an event for each object that was deleted.
func (s *Delete) Succeeded(event func(deleted client.Object) Event) *Delete {
	s.hooks.succeeded = event
	return s
}

// Failed records an event for each object that could not be deleted. A conflict is no failure.
func (s *Delete) Failed(event func(obj client.Object, err error) Event) *Delete {
	s.hooks.failed = event
	return s
}

// Objects are what is to be deleted. They must not be changed.
func (s *Delete) Objects() []client.Object { return s.objs }

// Verb is "delete".
func (s *Delete) Verb() string { return "delete" }

// Why is the reason that was given.
func (s *Delete) Why() string { return s.why }

func (s *Delete) String() string { return "delete " + describe(s.objs) }

// Do deletes the objects.
func (s *Delete) Do(ctx context.Context, act Actor) error {
	if err := s.confirm.holds(ctx, act); err != nil {
		return fmt.Errorf("confirming before deleting %s: %w", describe(s.objs), err)
	}
	return parallel(0, len(s.objs), act.SideBySide(), func(i int) error {
		obj := s.objs[i].DeepCopyObject().(client.Object)
		err := s.delete(ctx, act, obj)
		s.hooks.record(act, obj, err)
		if err != nil {
			return fmt.Errorf("deleting %s: %w", name(obj), err)
		}
		return nil
	})
}

func (s *Delete) delete(ctx context.Context, act Actor, obj client.Object) error {
	uid := obj.GetUID()
	condition := client.Preconditions{UID: &uid}
	if s.unchanged {
		version := act.ResourceVersion(obj)
		condition.ResourceVersion = &version
	}
	options := append([]client.DeleteOption{client.PropagationPolicy(metav1.DeletePropagationBackground)}, s.options...)
	err := act.Delete(ctx, obj, append(options, condition)...)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) && !s.unchanged && replaced(ctx, act, obj) {
		return nil
	}
	return err
}

// replaced tells whether the object is gone, and maybe another has its name. Only then was a conflict about the UID; a
// server has other reasons for one.
func replaced(ctx context.Context, act Actor, obj client.Object) bool {
	now := obj.DeepCopyObject().(client.Object)
	err := act.Live().Get(ctx, client.ObjectKeyFromObject(obj), now)
	return apierrors.IsNotFound(err) || err == nil && now.GetUID() != obj.GetUID()
}
