package loop

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// telling is a manager that tells when a controller which is added to it has read what it watches. Controller-runtime says that
// to nobody, but it has controllers which may read before they lead: such a one is asked to, and then begins with what it has.
type telling struct {
	manager.Manager
	started func()
}

// Add adds what runs, or a controller that tells when its passes begin.
func (t telling) Add(what manager.Runnable) error {
	if c, ok := what.(warm); ok && t.started != nil {
		return t.Manager.Add(&teller{c, t.started})
	}
	return t.Manager.Add(what)
}

// warm is a controller of controller-runtime.
type warm interface {
	manager.Runnable
	manager.LeaderElectionRunnable
	Warmup(ctx context.Context) error
}

// teller runs a controller. To its manager it is not one that could read before it leads.
type teller struct {
	controller warm
	started    func()
}

func (t *teller) NeedLeaderElection() bool { return t.controller.NeedLeaderElection() }

// Start runs the controller until ctx ends.
func (t *teller) Start(ctx context.Context) error {
	if err := t.controller.Warmup(ctx); err != nil {
		return err
	}
	t.started()
	return t.controller.Start(ctx)
}
