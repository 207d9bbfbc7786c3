package cli

import (
	"context"
	"errors"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/journal"
)

// inspect makes the loops of a further node's process ones that can be asked here, until ctx ends: who asks for the plan of a pod need not
// know which node has it.
func (f *further) inspect(ctx context.Context) {
	loops, err := f.node.Loops(ctx)
	if err != nil {
		logger().Error(err, "The loops of a node cannot be asked", "node", f.node.Name)
		return
	}
	for _, l := range loops {
		inspected.of(f.node.Name)(remoteLoop{f.node, l})
	}
	err = f.node.Journal(ctx, 0, true, func(e journal.Entry) {
		e.Loop = nameOn(f.node, e.Loop, e.Of)
		inspected.journal.Add(e)
	})
	if err != nil && ctx.Err() == nil {
		logger().Error(err, "The journal of a node is not told any more", "node", f.node.Name)
	}
}

// nameOn is what a loop of a further node is called here. One whose keys name objects is the same loop on each node, for an object is
// on one only; one that is about the node itself bears the node's name.
func nameOn(node *instance.Instance, loop, of string) string {
	if of != "" {
		return loop
	}
	return loop + "@" + node.Name
}

// remoteLoop is a loop of a further node's process.
type remoteLoop struct {
	node *instance.Instance
	loop instance.Loop
}

var _ engine.Inspector = remoteLoop{}

func (r remoteLoop) Name() string { return nameOn(r.node, r.loop.Name, r.loop.Of) }

func (r remoteLoop) Of() string { return r.loop.Of }

// Keys are none where the node does not answer.
func (r remoteLoop) Keys() []string {
	ctx, cancel := context.WithTimeout(context.Background(), watchPatience)
	defer cancel()
	loops, err := r.node.Loops(ctx)
	if err != nil {
		return nil
	}
	for _, l := range loops {
		if l.Name == r.loop.Name {
			return l.Keys
		}
	}
	return nil
}

func (r remoteLoop) Preview(ctx context.Context, key string) (string, error) {
	plans, err := r.node.Plans(ctx, r.loop.Name, key, true)
	var silent *instance.NotToldError
	if errors.As(err, &silent) {
		return "", errors.New(silent.Sentence)
	}
	return plans.Next, err
}

// Recent are none where the node does not answer.
func (r remoteLoop) Recent(key string) []engine.Pass {
	ctx, cancel := context.WithTimeout(context.Background(), watchPatience)
	defer cancel()
	plans, err := r.node.Plans(ctx, r.loop.Name, key, false)
	if err != nil {
		return nil
	}
	var passes []engine.Pass
	for _, p := range plans.Plans {
		passes = append(passes, engine.Pass{At: p.At, Plan: p.Plan, Error: p.Error})
	}
	return passes
}

// Follow hands on nothing: what all loops of the node do comes by its journal.
func (r remoteLoop) Follow(func(string, engine.Pass)) {}
