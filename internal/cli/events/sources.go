package events

import (
	"context"
	"errors"
	"fmt"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/journal"
)

// OfPlans is the journal of a running instance.
func OfPlans(inst *instance.Instance) Source { return &plans{inst: inst} }

type plans struct {
	inst *instance.Instance
	last uint64
}

func (p *plans) Past(ctx context.Context) ([]Event, error) {
	var past []Event
	err := p.inst.Journal(ctx, 0, false, func(e journal.Entry) {
		past = append(past, ofPlan(e)...)
		p.last = e.Number
	})
	return past, err
}

func (p *plans) Follow(ctx context.Context, tell func(Event)) error {
	err := p.inst.Journal(ctx, p.last, true, func(e journal.Entry) {
		for _, one := range ofPlan(e) {
			tell(one)
		}
	})
	if err == nil && ctx.Err() == nil {
		return fmt.Errorf("instance %s has ended", p.inst.Name)
	}
	return err
}

// OfAPI are the Events of a cluster, in a namespace or, if that is empty, in all.
func OfAPI(client kubernetes.Interface, namespace string) Source {
	return &api{client: client, namespace: namespace}
}

type api struct {
	client    kubernetes.Interface
	namespace string
	version   string
}

func (a *api) Past(ctx context.Context) ([]Event, error) {
	list, err := a.client.EventsV1().Events(a.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing Events: %w", err)
	}
	a.version = list.ResourceVersion
	past := make([]Event, len(list.Items))
	for i := range list.Items {
		past[i] = ofAPI(&list.Items[i])
	}
	return past, nil
}

func (a *api) Follow(ctx context.Context, tell func(Event)) error {
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, a.version, eventWatcher{a})
	if err != nil {
		return fmt.Errorf("watching Events: %w", err)
	}
	defer watcher.Stop()
	for change := range watcher.ResultChan() {
		switch change.Type {
		case watch.Added, watch.Modified:
			if e, ok := change.Object.(*eventsv1.Event); ok {
				tell(ofAPI(e))
			}
		case watch.Error:
			return fmt.Errorf("watching Events: %w", apierrors.FromObject(change.Object))
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return errors.New("watching Events: the API server told no more")
}

// eventWatcher watches the Events that a source lists.
type eventWatcher struct{ *api }

func (w eventWatcher) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return w.client.EventsV1().Events(w.namespace).Watch(ctx, options)
}
