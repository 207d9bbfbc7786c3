package ownership

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// ownerGone is how long a pass rests whose owner turned out to be gone: the cache will have heard of it by then.
const ownerGone = 100 * time.Millisecond

var errGoing = errors.New("the owner is gone or being deleted")

// adopt is the step that makes owner the controller of objects that have none.
type adopt struct {
	owner client.Object
	objs  []client.Object
}

func (s *adopt) Verb() string { return "adopt" }

func (s *adopt) Why() string { return "its selector matches, and nobody controls them" }

func (s *adopt) String() string {
	names := make([]string, len(s.objs))
	for i, obj := range s.objs {
		names[i] = obj.GetName()
	}
	return fmt.Sprintf("adopt %s for %s", strings.Join(names, ", "), client.ObjectKeyFromObject(s.owner))
}

// Do checks that the owner is still there, and adopts each object that is. An object that has changed meanwhile ends
// the step in a conflict.
func (s *adopt) Do(ctx context.Context, act plan.Actor) error {
	if err := s.ownerStands(ctx, act.Live()); err != nil {
		return err
	}
	for _, obj := range s.objs {
		if err := s.adopt(ctx, act, obj); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("adopting %s for %s: %w", obj.GetName(), client.ObjectKeyFromObject(s.owner), err)
		}
	}
	return nil
}

func (s *adopt) ownerStands(ctx context.Context, live client.Reader) error {
	owner := reflect.New(reflect.TypeOf(s.owner).Elem()).Interface().(client.Object)
	key := client.ObjectKeyFromObject(s.owner)
	err := live.Get(ctx, key, owner)
	if apierrors.IsNotFound(err) || err == nil && (owner.GetUID() != s.owner.GetUID() || owner.GetDeletionTimestamp() != nil) {
		return plan.Wait(ownerGone, fmt.Errorf("adopting for %s: %w", key, errGoing))
	}
	if err != nil {
		return fmt.Errorf("reading %s before adopting for it: %w", key, err)
	}
	return nil
}

func (s *adopt) adopt(ctx context.Context, act plan.Actor, obj client.Object) error {
	adopted := obj.DeepCopyObject().(client.Object)
	if err := controllerutil.SetControllerReference(s.owner, adopted, act.Scheme()); err != nil {
		return err
	}
	return act.Patch(ctx, adopted, plan.Locked(act, obj, adopted), act.FieldOwner())
}
