package framework

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// BindQueue is where pods wait in Bind for their turn. Package bindqueue has the one of the API server.
type BindQueue interface {
	// Expect says that a pod will soon be there, and Leave that it is there no longer, or will not be soon.
	Expect(pod types.UID)
	Leave(pod types.UID)
	// Room waits until few enough pods are there or expected for another to be decided on. It reports false where ctx has
	// ended before.
	Room(ctx context.Context) bool
}

// QueuedBindPlugin is a Bind plugin in which pods wait for their turn. Where a profile has no other, decisions wait when too
// many pods do.
type QueuedBindPlugin interface {
	fwk.BindPlugin
	// BindQueue returns where they wait; nil means nowhere.
	BindQueue() BindQueue
}

// BindQueue returns where the profile's pods wait in Bind. Where several plugins bind, or one that has no queue, each pod may
// go its own way, and none is expected in any.
func (f *Framework) BindQueue() BindQueue {
	if len(f.bind) == 1 {
		if plugin, ok := f.bind[0].(QueuedBindPlugin); ok && plugin.BindQueue() != nil {
			return plugin.BindQueue()
		}
	}
	return noBindQueue{}
}

// noBindQueue always has room.
type noBindQueue struct{}

func (noBindQueue) Expect(types.UID)              {}
func (noBindQueue) Leave(types.UID)               {}
func (noBindQueue) Room(ctx context.Context) bool { return ctx.Err() == nil }
