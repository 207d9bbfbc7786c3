package garbagecollector

import (
	"context"
	"fmt"
	"strings"

	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// remove deletes an object, after the API server has said too that its owners are gone.
type remove struct {
	obj    *metav1.PartialObjectMetadata
	policy metav1.DeletionPropagation
	gone   []owner
	why    string
}

func (s *remove) Verb() string   { return "delete" }
func (s *remove) Why() string    { return s.why }
func (s *remove) String() string { return "delete " + path(s.obj) }

func (s *remove) Do(ctx context.Context, act plan.Actor) error {
	if err := confirm(ctx, act.Live(), s.gone); err != nil {
		return err
	}
	version := act.ResourceVersion(s.obj)
	err := s.delete(ctx, act, &version)
	if apierrors.IsConflict(err) && s.sameOwners(ctx, act.Live()) {
		err = s.delete(ctx, act, nil)
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting %s: %w", path(s.obj), err)
	}
	return nil
}

// delete deletes the object in the observed version, or in any if that is nil.
func (s *remove) delete(ctx context.Context, act plan.Actor, version *string) error {
	return act.Delete(ctx, s.obj.DeepCopy(), client.PropagationPolicy(s.policy),
		client.Preconditions{UID: &s.obj.UID, ResourceVersion: version})
}

// sameOwners reports that an object has changed since it was observed, but not its owners: one that changes all the
// time has to go as well.
func (s *remove) sameOwners(ctx context.Context, live client.Reader) bool {
	now := metadataOf(s.obj.GroupVersionKind())
	err := live.Get(ctx, client.ObjectKeyFromObject(s.obj), now)
	return err == nil && now.UID == s.obj.UID && equality.Semantic.DeepEqual(now.OwnerReferences, s.obj.OwnerReferences)
}

// disown removes the references to some owners, after the API server has said too that those which are gone are gone.
type disown struct {
	obj    *metav1.PartialObjectMetadata
	owners []owner
}

func (s *disown) Verb() string { return "patch" }
func (s *disown) Why() string  { return "it has other owners, and these leave or are gone" }

func (s *disown) String() string {
	names := make([]string, len(s.owners))
	for i, owner := range s.owners {
		names[i] = owner.Kind + " " + owner.Name
	}
	return fmt.Sprintf("remove %s from the owners of %s", strings.Join(names, ", "), path(s.obj))
}

func (s *disown) Do(ctx context.Context, act plan.Actor) error {
	if err := confirm(ctx, act.Live(), s.owners); err != nil {
		return err
	}
	uids := make([]types.UID, len(s.owners))
	for i, owner := range s.owners {
		uids[i] = owner.UID
	}
	obj := without(s.obj, uids...)
	obj.ResourceVersion = act.ResourceVersion(s.obj)
	patch := client.MergeFromWithOptions(withVersion(s.obj, obj.ResourceVersion), client.MergeFromWithOptimisticLock{})
	if err := act.Patch(ctx, obj, patch, act.FieldOwner()); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing owners of %s: %w", path(s.obj), err)
	}
	return nil
}

func withVersion(obj *metav1.PartialObjectMetadata, version string) *metav1.PartialObjectMetadata {
	obj = obj.DeepCopy()
	obj.ResourceVersion = version
	return obj
}

// confirm asks the API server whether the owners that are missing are gone. If one is not, the graph is behind: its error
// says to look again soon.
func confirm(ctx context.Context, live client.Reader, owners []owner) error {
	for _, owner := range owners {
		if owner.state != missing {
			continue
		}
		gone, err := missingOwner(ctx, live, owner)
		switch {
		case meta.IsNoMatchError(err):
			return plan.Wait(later, fmt.Errorf("asking for owner %s %s: %w", owner.Kind, owner.Name, err))
		case err != nil:
			return fmt.Errorf("asking for owner %s %s: %w", owner.Kind, owner.Name, err)
		case !gone:
			return plan.Wait(soon, fmt.Errorf("owner %s %s exists, and has not been seen yet", owner.Kind, owner.Name))
		}
	}
	return nil
}
