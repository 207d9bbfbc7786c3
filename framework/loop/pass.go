package loop

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	"go.opentelemetry.io/otel/attribute"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// passes makes the passes of one loop on one cluster. To the engine it is the loop, to controller-runtime the reconciler.
type passes struct {
	*loop
	Cluster
	reads  *reads
	ledger *ledger
	talk   *talk
	engine *engine.Engine[client.ObjectKey, any, plan.Actor]
	told   said
}

var _ engine.Loop[client.ObjectKey, any, plan.Actor] = (*passes)(nil)

func (l *loop) passes(cluster Cluster) *passes {
	cluster = cluster.withDefaults()
	p := &passes{loop: l, Cluster: cluster, reads: newReads(cluster.Client), ledger: newLedger(), talk: newTalk(cluster.Clock)}
	options := engine.Options[client.ObjectKey]{
		Name:       l.name,
		Of:         l.of(),
		Clock:      cluster.Clock,
		Judge:      judge,
		Registerer: metrics.Registry,
		Describe:   describe,
		Wake:       cluster.Wake,
		Begun: func(key client.ObjectKey, task string) func() {
			return cluster.Activity.Begin(fmt.Sprintf("%s %s: %s", l.name, key, task))
		},
		Inline: cluster.SideBySide == 1,
		DryRun: cluster.DryRun,
	}
	if cluster.Passed != nil {
		options.Passed = func(key client.ObjectKey, decided engine.Decision, err error) {
			cluster.Passed(key, decided.(*engine.Plan[plan.Actor]).Steps(), err)
		}
	}
	p.engine = engine.New(p, options)
	return p
}

// Reconcile makes one pass for one key.
func (p *passes) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	outcome := p.engine.Pass(ctx, req.NamespacedName)
	switch {
	case outcome.Err == nil:
		return reconcile.Result{RequeueAfter: outcome.After}, nil
	case outcome.Final:
		return reconcile.Result{}, reconcile.TerminalError(outcome.Err)
	default:
		return reconcile.Result{}, outcome.Err
	}
}

// of is the kind that the loop decides for, as its Go type is called; empty for a loop over groups.
func (l *loop) of() string {
	if l.prototype == nil {
		return ""
	}
	if kind := l.prototype.GetObjectKind().GroupVersionKind().Kind; kind != "" {
		return kind // metadata of a kind has the type of all of them
	}
	return reflect.TypeOf(l.prototype).Elem().Name()
}

// Inspector shows the loop's plans.
func (p *passes) Inspector() engine.Inspector { return engine.Inspect(p.engine, parseKey) }

// Observe waits until the cache shows what was written for the key, and lets the controller observe.
func (p *passes) Observe(ctx context.Context, look engine.Look, key client.ObjectKey) (any, error) {
	p.ledger.asOf(p.Activity.Rewound())
	if wait := p.ledger.behind(ctx, key, p.Cluster, p.reads); wait > 0 {
		return nil, &behindError{wait}
	}
	world, err := p.controller.Observe(ctx, View{Reader: p.reads, live: p.Live, look: look}, key)
	if errors.Is(err, engine.ErrGone) {
		p.ledger.forget(key)
	}
	if about := p.told.news(key, err); about != nil && !p.DryRun {
		newActor(p, key, engine.Turn{}).Record(*about)
	}
	return world, err
}

// Plan lets the controller plan.
func (p *passes) Plan(key client.ObjectKey, world any, now time.Time) *engine.Plan[plan.Actor] {
	if decided := p.controller.Plan(key, world, now); decided != nil {
		return &decided.Plan
	}
	return nil
}

// Actor is a client whose every write goes into the ledger.
func (p *passes) Actor(key client.ObjectKey, _ any, turn engine.Turn) plan.Actor {
	return newActor(p, key, turn)
}

func describe(key client.ObjectKey) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("namespace", key.Namespace), attribute.String("name", key.Name)}
}

// parseKey reads a key as people write it: NAMESPACE/NAME, or NAME.
func parseKey(text string) (client.ObjectKey, error) {
	if namespace, name, namespaced := strings.Cut(text, "/"); namespaced {
		return client.ObjectKey{Namespace: namespace, Name: name}, nil
	}
	return client.ObjectKey{Name: text}, nil
}
