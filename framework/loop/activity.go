package loop

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/activity"
)

// tracked is a manager, as a loop knows it that tells a tracker of what it does.
type tracked struct {
	manager.Manager
	tracker *activity.Tracker
}

// InformersIn is what makes the informers of a cache that a loop has for itself: for the NewInformer of its cache.Options. Those of a loop
// that tells an [activity.Tracker] of its work are waited for; all are those of [NewInformer].
func InformersIn(mgr manager.Manager) activity.NewInformer {
	if t, ok := mgr.(tracked); ok {
		return t.tracker.Informers(mgr.GetScheme(), NewInformer)
	}
	return NewInformer
}

// follow has a cache of the loop's own waited for, while the manager runs.
func follow(mgr manager.Manager, own Cache) error {
	t, tells := mgr.(tracked)
	c, follows := own.(activity.Cache)
	if !tells || !follows {
		return nil
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		defer t.tracker.AddCache(c)()
		<-ctx.Done()
		return nil
	}))
}

// starting has a loop count as busy from when its manager has started until its passes begin, of which started is then told as well, or
// until the manager ends.
func starting(mgr manager.Manager, tracker *activity.Tracker, name string, started func()) (func(), error) {
	forget := tracker.Ask(func() string {
		select {
		case <-mgr.Elected():
			return "the start of " + name
		default:
			return "" // it may never be started
		}
	})
	ends := manager.RunnableFunc(func(ctx context.Context) error {
		<-ctx.Done()
		forget()
		return nil
	})
	return func() {
		forget()
		if started != nil {
			started()
		}
	}, mgr.Add(ends)
}
