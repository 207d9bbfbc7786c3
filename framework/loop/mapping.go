package loop

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// concern names the keys that a changed object concerns.
type concern func(ctx context.Context, c client.Client, changed client.Object) ([]client.ObjectKey, error)

// mapping is a watch of objects that wake others than themselves.
func mapping(obj client.Object, gather time.Duration, concern concern, predicates []predicate.Predicate) Watch {
	return Watch{
		Object:     obj,
		predicates: predicates,
		concern:    concern,
		add: func(s surroundings) {
			m := mapper{client: s.client, gather: gather, concern: concern}
			s.builder.Watches(obj, m.handler(), builder.WithPredicates(predicates...))
		},
	}
}

// mapper puts into a queue what changes concern.
type mapper struct {
	client  client.Client
	gather  time.Duration
	concern concern
}

func (m mapper) handler() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q requests) { m.enqueue(ctx, q, e.Object) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q requests) {
			m.enqueue(ctx, q, e.ObjectOld, e.ObjectNew)
		},
		DeleteFunc:  func(ctx context.Context, e event.DeleteEvent, q requests) { m.enqueue(ctx, q, e.Object) },
		GenericFunc: func(ctx context.Context, e event.GenericEvent, q requests) { m.enqueue(ctx, q, e.Object) },
	}
}

// enqueue asks whom a change concerns of an object, as it was and as it is, in the background where that fails: other changes must
// not wait.
func (m mapper) enqueue(ctx context.Context, q requests, changed ...client.Object) {
	if err := m.ask(ctx, q, changed); err != nil {
		log.FromContext(ctx).Error(err, "Finding out whom a change concerns, which is tried again", "object", client.ObjectKeyFromObject(changed[0]))
		go m.keepAsking(ctx, q, changed)
	}
}

// ask puts into the queue whom a change concerns. That is nearly always the same before and after.
func (m mapper) ask(ctx context.Context, q requests, changed []client.Object) error {
	var concerned []client.ObjectKey
	for _, obj := range changed {
		keys, err := m.concern(ctx, m.client, obj)
		if err != nil {
			return err
		}
		if !slices.Equal(keys, concerned) {
			concerned = append(concerned, keys...)
		}
	}
	for _, key := range concerned {
		if m.gather > 0 {
			q.AddAfter(reconcile.Request{NamespacedName: key}, m.gather)
		} else {
			q.Add(reconcile.Request{NamespacedName: key})
		}
	}
	return nil
}

// keepAsking asks until there is an answer, at most every half a minute.
func (m mapper) keepAsking(ctx context.Context, q requests, changed []client.Object) {
	backoff := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 9, Cap: 30 * time.Second}
	// It ends with an answer or with the context; of either nobody needs to hear.
	_ = backoff.DelayFunc().Until(ctx, false, true, func(ctx context.Context) (bool, error) {
		return m.ask(ctx, q, changed) == nil, nil
	})
}
