package nodeagent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/pods"
)

// adoptEvery is how often sandboxes are looked for whose pods nobody knows.
const adoptEvery = time.Minute

// member is one node of the process.
type member struct {
	loop    *pods.Loop
	node    *node.Member
	runtime cri.Runtime
}

// members are the nodes of one process, with all that they share.
type members struct {
	*connection
	serving Serving
	clock   clock.WithTickerAndDelayedExecution
	log     logr.Logger
	byName  map[string]*member
	order   []*member
	ready   chan struct{}
}

func newMembers(c *connection, serving Serving, clock clock.WithTickerAndDelayedExecution, log logr.Logger) *members {
	return &members{connection: c, serving: serving, clock: clock, log: log, byName: map[string]*member{}, ready: make(chan struct{})}
}

func (m *members) add(one *member) {
	m.byName[one.node.Name] = one
	m.order = append(m.order, one)
}

// Ready is closed when every node is registered and all pods have been seen once.
func (m *members) Ready() <-chan struct{} { return m.ready }

// Pods returns the pods of all nodes with the statuses that were computed last.
func (m *members) Pods() []*corev1.Pod {
	var found []*corev1.Pod
	for _, one := range m.order {
		found = append(found, one.loop.Pods()...)
	}
	return found
}

// run works until ctx ends.
func (m *members) run(ctx context.Context) error {
	m.events.StartRecordingToSink(eventSink{ctx, m.kube})
	defer m.events.Shutdown()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return m.cache.Start(ctx) })
	group.Go(func() error { return m.beat(ctx) })
	group.Go(func() error { return m.work(ctx) })
	if m.serving.Listener != nil {
		group.Go(func() error { return m.serve(ctx) })
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// beat registers the nodes and keeps their leases.
func (m *members) beat(ctx context.Context) error {
	left := len(m.order)
	registered := make(chan struct{}, left)
	heart := &node.Heart{Clock: m.clock, Log: m.log, Registered: func(*node.Member) { registered <- struct{}{} }}
	for _, one := range m.order {
		heart.Members = append(heart.Members, one.node)
	}
	var group sync.WaitGroup
	group.Go(func() { heart.Run(ctx) })
	defer group.Wait()
	for ; left > 0; left-- {
		select {
		case <-ctx.Done():
			return nil
		case <-registered:
		}
	}
	informer, err := m.cache.GetInformer(ctx, &ocorev1.Pod{})
	if err == nil && toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		close(m.ready)
	}
	return err
}

// work starts the loops once all pods and services are known: a loop that did not know them would take what runs for orphans.
func (m *members) work(ctx context.Context) error {
	if _, err := m.cache.GetInformer(ctx, &ocorev1.Service{}); err != nil {
		return err
	}
	if err := m.watchPods(ctx, m.sink); err != nil {
		return err
	}
	var group sync.WaitGroup
	for _, one := range m.order {
		group.Go(func() { one.loop.Run(ctx) })
	}
	m.adopt(ctx)
	group.Wait()
	return nil
}

func (m *members) sink(node string) podSink {
	if one := m.byName[node]; one != nil {
		return one.loop
	}
	return nil
}

// adopt looks for what runs without anybody knowing it, now and then.
func (m *members) adopt(ctx context.Context) {
	timer := m.clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
		}
		for _, one := range m.order {
			if err := one.loop.CleanUpOrphanedPods(ctx); err != nil && ctx.Err() == nil {
				m.log.Error(err, "Looking for pods that nobody knows", "node", one.node.Name)
			}
		}
		timer.Reset(adoptEvery)
	}
}
