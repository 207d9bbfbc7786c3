package nodeagent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/nodeagent/cadvisor"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/stats"
)

const (
	// cleanUpEvery is how often orphaned pods are looked for: what runs or is on the disk of pods that nobody knows.
	cleanUpEvery = time.Minute
	// cleanUpsAtOnce bounds how many nodes are looked at together, so that a runtime that hangs does not hold up the others.
	cleanUpsAtOnce = 8
)

// oneNode is one node of the process.
type oneNode struct {
	loop *pods.Loop
	// static are its own pods; nothing for a simulated node.
	static    staticPods
	heartbeat *node.Heartbeat
	runtime   cri.Runtime
	stats     *stats.Provider
	// groups is nil where there are no control groups to be read.
	groups *cadvisor.Source
}

// machine is what the node is, in cAdvisor's terms.
func (o *oneNode) machine() cadvisor.Machine {
	observed := &o.heartbeat.Observed
	return cadvisor.Machine{
		MachineID: observed.Info.MachineID, SystemUUID: observed.Info.SystemUUID, BootID: observed.Info.BootID,
		Cores: int(observed.Capacity.Cpu().Value()), Memory: observed.Capacity.Memory().Value(),
	}
}

// nodes are the nodes of one process, with all that they share.
type nodes struct {
	*connection
	serving Serving
	// configuration is that of the nodes; nil means by default.
	configuration *kubeletconfigv1beta1.KubeletConfiguration
	// flags are those of the program, and checkpoints the directory for those of containers.
	flags       map[string]string
	checkpoints string
	clock       clock.WithDelayedExecution
	log         logr.Logger
	activity    *activity.Tracker // nil where nobody asks
	byName      map[string]*oneNode
	order       []*oneNode
	ready       chan struct{}
	// metrics are what the server tells.
	metrics prometheus.Gatherers
}

func newNodes(c *connection, serving Serving, clock clock.WithDelayedExecution, log logr.Logger) *nodes {
	return &nodes{
		connection: c, serving: serving, clock: clock, log: log, byName: map[string]*oneNode{}, ready: make(chan struct{}),
		metrics: prometheus.Gatherers{metrics.Registry},
	}
}

func (n *nodes) add(one *oneNode) {
	n.byName[one.heartbeat.Name] = one
	n.order = append(n.order, one)
}

// Ready is closed when every node is registered and all pods have been seen once.
func (n *nodes) Ready() <-chan struct{} { return n.ready }

// Pods returns the pods of all nodes with the statuses that were computed last.
func (n *nodes) Pods() []*corev1.Pod {
	var found []*corev1.Pod
	for _, one := range n.order {
		found = append(found, one.loop.Pods()...)
	}
	return found
}

// run works until ctx ends.
func (n *nodes) run(ctx context.Context) error {
	n.events.StartRecordingToSink(eventSink{ctx, n.recording})
	defer n.events.Shutdown()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.cache.Start(ctx) })
	group.Go(func() error { return n.sendHeartbeats(ctx) })
	group.Go(func() error { return n.work(ctx) })
	if renewal := n.serving.renewal; renewal != nil {
		group.Go(func() error { return renewal(ctx) })
	}
	if n.configuration != nil && *n.configuration.HealthzPort > 0 {
		group.Go(func() error { return n.serveHealthz(ctx) })
	}
	if n.serving.Listener != nil {
		group.Go(func() error { return n.serve(ctx) })
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// sendHeartbeats registers the nodes and keeps what the control plane sees of them up to date.
func (n *nodes) sendHeartbeats(ctx context.Context) error {
	left := len(n.order)
	registered := make(chan struct{}, left)
	heartbeats := &node.Heartbeats{Clock: n.clock, Log: n.log, Activity: n.activity, Pace: n.order[0].heartbeat.Pace, Registered: func(*node.Heartbeat) { registered <- struct{}{} }}
	for _, one := range n.order {
		heartbeats.Nodes = append(heartbeats.Nodes, one.heartbeat)
	}
	var group sync.WaitGroup
	group.Go(func() { heartbeats.Run(ctx) })
	defer group.Wait()
	for ; left > 0; left-- {
		select {
		case <-ctx.Done():
			return nil
		case <-registered:
		}
	}
	informer, err := n.cache.GetInformer(ctx, &ocorev1.Pod{})
	if err == nil && toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		close(n.ready)
	}
	return err
}

// work starts the loops once all pods and services are known: a loop that did not know them would take what runs for orphans.
// Static pods alone run before.
func (n *nodes) work(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	patient := false
	for _, one := range n.order {
		group.Go(func() { one.loop.Run(ctx, n.known) })
		patient = patient || one.static.loop != nil
	}
	if err := n.knowPods(ctx, patient); err != nil || ctx.Err() != nil {
		return err
	}
	close(n.known)
	n.mirrorPods(ctx, &group)
	if n.knowStaticPods(ctx) {
		n.cleanUpOrphanedPods(ctx)
	}
	return nil
}

// listen returns when all services and pods have been told once.
func (n *nodes) listen(ctx context.Context) error {
	if _, err := n.cache.GetInformer(ctx, &ocorev1.Service{}); err != nil {
		return err
	}
	return n.watchPods(ctx, n.sink)
}

func (n *nodes) sink(node string) podSink {
	one := n.byName[node]
	switch {
	case one == nil:
		return nil
	case one.static.mirrors != nil:
		return apiPods{one.loop, one.static.mirrors}
	default:
		return one.loop
	}
}

// cleanUpOrphanedPods looks now and then for what is left of pods that nobody knows.
func (n *nodes) cleanUpOrphanedPods(ctx context.Context) {
	timer := n.clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
		}
		var group errgroup.Group
		group.SetLimit(cleanUpsAtOnce)
		for _, one := range n.order {
			group.Go(func() error {
				if err := one.loop.CleanUpOrphanedPods(ctx); err != nil && ctx.Err() == nil {
					n.log.Error(err, "Looking for orphaned pods", "node", one.heartbeat.Name)
				}
				return nil
			})
		}
		_ = group.Wait() // errors have been logged
		timer.Reset(cleanUpEvery)
	}
}
