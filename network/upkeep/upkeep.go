// Package upkeep runs a loop that keeps something of one machine as objects of the cluster want it: a table of the kernel, routes, or
// what is served at an address.
//
// It owns what wakes such a loop: whatever happens to whatever object of the kinds that it reads, unless the loop says that it does not
// matter, after a rest in which further changes are gathered; and, where there is a table, a change of it by anybody else, for which the
// kernel is asked once a second. It promises a first pass also where there is no object yet, and to run in every process, elected or
// not, since each node has a kernel of its own.
//
// It never reads objects, nor writes anything: the loop does.
package upkeep

import (
	"context"
	"fmt"
	"sync"
	"time"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/framework/engine"
)

const (
	// gather is how long events are collected before a pass: a rollout changes many objects in a row.
	gather = 20 * time.Millisecond
	// lookAgain is how often the kernel is asked whether somebody has changed nftables. It is one short question.
	lookAgain = time.Second
)

// Runner runs the loop in a manager.
type Runner[W, A any] struct {
	// For says what the loop is for, in errors: "the service proxy".
	For string
	// Engine makes the passes.
	Engine *engine.Engine[engine.One, W, A]
	// Table is asked whether somebody else has changed what the passes keep; nil where nobody can say.
	Table Table
	// Cache tells of changes to objects, which are of these kinds.
	Cache   cache.Cache
	Objects []client.Object
	// Concerns says whether what happened to an object matters; nil means that everything does.
	Concerns func(was, is any) bool
}

// Table is a table of nftables.
type Table interface {
	// Changed says whether anybody else has changed nftables since it was read last.
	Changed() (bool, error)
}

// NeedLeaderElection says that it never waits to be elected.
func (*Runner[W, A]) NeedLeaderElection() bool { return false }

// Start runs until ctx ends.
func (r *Runner[W, A]) Start(ctx context.Context) error {
	for _, object := range r.Objects {
		if err := r.watch(ctx, object); err != nil {
			return err
		}
	}
	var watching sync.WaitGroup
	if r.Table != nil {
		watching.Go(func() { r.watchTable(ctx) })
	}
	r.Engine.Wake(engine.One{})
	r.Engine.Run(ctx)
	watching.Wait()
	return nil
}

// watch wakes the loop, a little later, whatever happens to whatever object of a kind.
func (r *Runner[W, A]) watch(ctx context.Context, object client.Object) error {
	informer, err := r.Cache.GetInformer(ctx, object)
	if err != nil {
		return fmt.Errorf("watching for %s: %w", r.For, err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { r.Engine.WakeAfter(engine.One{}, gather) },
		UpdateFunc: func(was, is any) {
			if r.Concerns == nil || r.Concerns(was, is) {
				r.Engine.WakeAfter(engine.One{}, gather)
			}
		},
		DeleteFunc: func(any) { r.Engine.WakeAfter(engine.One{}, gather) },
	})
	return err
}

// watchTable wakes the loop when somebody else has changed nftables.
func (r *Runner[W, A]) watchTable(ctx context.Context) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if changed, err := r.Table.Changed(); changed || err != nil { // the pass will meet the error, and report it
				r.Engine.Wake(engine.One{})
			}
		}
	}
}
