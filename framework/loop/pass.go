package loop

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// passes makes the passes of one loop on one cluster.
type passes[T client.Object, W any] struct {
	*loop[T, W]
	Cluster
	reads  *reads
	ledger *ledger
}

// Reconcile makes one pass for one object.
func (p *passes[T, W]) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	ctx, span := startPass(ctx, p.name, req.NamespacedName)
	result, err := p.pass(ctx, req.NamespacedName)
	outcome := judge(err)
	span.finish(outcome)
	return outcome.result(result), outcome.err
}

// pass observes, plans and acts. The result is when to look again if all went well.
func (p *passes[T, W]) pass(ctx context.Context, key client.ObjectKey) (reconcile.Result, error) {
	if wait := p.ledger.behind(ctx, key, p.Cluster, p.reads); wait > 0 {
		return reconcile.Result{}, &behindError{wait}
	}
	obj := p.object()
	if err := p.reads.Get(ctx, key, obj); apierrors.IsNotFound(err) {
		p.ledger.forget(key)
		p.history.forget(key)
		return reconcile.Result{}, nil
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("reading %s: %w", key, err)
	}
	decided, err := p.decide(ctx, obj)
	if err != nil {
		return reconcile.Result{}, err
	}
	err = p.act(ctx, key, decided)
	p.history.add(key, p.Clock.Now(), decided, err)
	p.Passed(key, decided, err)
	return lookAgain(decided), err
}

// decide observes the world and plans for it.
func (p *passes[T, W]) decide(ctx context.Context, obj T) (*plan.Plan, error) {
	observing, span := startSpan(ctx, "observe")
	world, err := p.controller.Observe(observing, p.reads, obj)
	span.end(err)
	if err != nil {
		return nil, fmt.Errorf("observing: %w", err)
	}
	_, span = startSpan(ctx, "plan")
	decided := p.controller.Plan(obj, world, p.Clock.Now())
	span.end(nil)
	planned(p.name, decided)
	return decided, nil
}

// act takes the steps in order up to the first that fails, and the status steps behind it.
func (p *passes[T, W]) act(ctx context.Context, key client.ObjectKey, decided *plan.Plan) error {
	actor := newActor(p.name, key, p.Cluster, p.ledger)
	var failed error
	for _, step := range decided.All() {
		status, isStatus := step.(*plan.Status)
		if isStatus {
			status.After(failed)
		} else if failed != nil {
			continue
		}
		err := p.take(ctx, step, actor)
		if failed == nil {
			failed = err
		}
	}
	return failed
}

func (p *passes[T, W]) take(ctx context.Context, step plan.Step, actor *actor) error {
	ctx, span := startStep(ctx, step)
	err := step.Do(ctx, actor)
	span.end(err)
	tookStep(p.name, step, err)
	return err
}

func lookAgain(decided *plan.Plan) reconcile.Result {
	if again := decided.Again(); again != nil {
		return reconcile.Result{RequeueAfter: again.After}
	}
	return reconcile.Result{}
}
