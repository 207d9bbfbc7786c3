package loop

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// single is a controller for objects, as one for groups of one: its keys are names of objects.
type single[T client.Object, W any] struct {
	object     func() T
	controller Controller[T, W]
}

var _ GroupController[any] = single[client.Object, int]{}

// subject is an object and the world around it.
type subject[T client.Object, W any] struct {
	obj   T
	world W
}

func (s single[T, W]) Observe(ctx context.Context, view View, key client.ObjectKey) (any, error) {
	seen := &subject[T, W]{obj: s.object()}
	err := view.Get(ctx, key, seen.obj)
	if apierrors.IsNotFound(err) {
		return seen, fmt.Errorf("reading %s: %w: %w", key, engine.ErrGone, err)
	}
	if err != nil {
		return seen, fmt.Errorf("reading %s: %w", key, err)
	}
	seen.world, err = s.controller.Observe(ctx, view, seen.obj)
	return seen, err
}

func (s single[T, W]) Plan(_ client.ObjectKey, world any, now time.Time) *plan.Plan {
	seen := world.(*subject[T, W])
	return s.controller.Plan(seen.obj, seen.world, now)
}

// group is a controller for groups, whose worlds only it knows.
type group[W any] struct{ controller GroupController[W] }

var _ GroupController[any] = group[int]{}

func (g group[W]) Observe(ctx context.Context, view View, key client.ObjectKey) (any, error) {
	return g.controller.Observe(ctx, view, key)
}

func (g group[W]) Plan(key client.ObjectKey, seen any, now time.Time) *plan.Plan {
	world, _ := seen.(W) // of an interface it may be nil
	return g.controller.Plan(key, world, now)
}
