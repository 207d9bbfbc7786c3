package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	upstreamruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/bench/internal/child"
	"github.com/orrery-dev/orrery/bench/internal/progress"
	"github.com/orrery-dev/orrery/scheduler"
)

// The cycle alone: both schedulers are built whole, with their default plugins, on an API server that lives in memory and never
// changes. When scheduling starts, all nodes are in the cache, a tenth of the pods and then the measured ones are in the
// queue, and the only plugin that is not a default one is the Bind plugin: it counts the pods, and does nothing.
//
// So measured is, on both sides: Pop from the queue; the snapshot of the cache; PreFilter, Filter, PreScore and Score;
// the choice of a node; assuming the pod there; Reserve, Permit and PreBind; the goroutine of the binding; and after it
// PostBind, the metrics and the Event, which is encoded and thrown away. Not measured are the API server, the binding
// request, and the watch that confirms a binding, so that all pods stay assumed.
//
// The clock runs from the binding of the last pod of the first tenth to that of the last of all.

// cycleOrder tells a child to measure the cycle.
type cycleOrder struct {
	Workload string
	Nodes    int
	Pods     int
	Profile  bool
}

// cycleReply is what it measured.
type cycleReply struct {
	Seconds float64
	CPU     float64
	Profile []byte // of the CPU, where it is wanted
}

// measureCycle runs a workload's pods through one scheduler's cycle.
func measureCycle(ctx context.Context, s settings, w workload, contender string) (f figures, err error) {
	dir, err := os.MkdirTemp("", "bench-scheduler-")
	if err != nil {
		return f, fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	say := progress.New(w.name + " · cycle of " + contender)
	defer say.End()
	say.Phase(fmt.Sprintf("%d nodes, %d pods", w.nodes, w.measured.pods))
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	order := cycleOrder{Workload: w.name, Nodes: w.nodes, Pods: w.measured.pods, Profile: s.profiles != ""}
	var took cycleReply
	c, err := child.Start(ctx, dir, contender+ofCycle, order, &took)
	if err != nil {
		return f, err
	}
	f.Pods = w.measured.pods
	f.Throughput.Average = float64(f.Pods) / took.Seconds
	f.CPU = took.CPU
	if s.profiles != "" {
		err = os.WriteFile(s.profilePath(w, contender, "cycle")+".cpu.pprof", took.Profile, 0o644)
	}
	var stopErr error
	f.Memory, stopErr = c.Stop()
	return f, errors.Join(err, stopErr)
}

// world makes what the order says as an API server would show it: the names and UIDs that it gives, and its defaults.
func (o cycleOrder) world() (still, int, error) {
	var w workload
	for _, w = range workloads {
		if w.name == o.Workload {
			break
		}
	}
	nodes := make([]corev1.Node, o.Nodes)
	for i := range nodes {
		nodes[i] = *newNode(fmt.Sprintf("node-%05d", i), w.zones, i)
		nodes[i].UID, nodes[i].ResourceVersion = types.UID(nodes[i].Name), "1"
	}
	early := o.Pods / 10
	pods := make([]corev1.Pod, early+o.Pods)
	for i := range pods {
		pod := w.measured.pod()
		pod.Namespace, pod.Name = measured, podName(i)
		pod.UID, pod.ResourceVersion = types.UID(pod.Name), "1"
		pod.Spec.SchedulerName = corev1.DefaultSchedulerName
		pod.Status.Phase = corev1.PodPending
		pods[i] = *pod
	}
	s, err := newStill(nodes, pods)
	return s, early, err
}

// counter is the Bind plugin that counts.
type counter struct {
	from, until int64
	seen        atomic.Int64
	start       time.Time
	cpu         float64
	profile     *bytes.Buffer // nil where none is wanted
	result      cycleReply
	done        chan struct{}
}

const counterName = "Counter"

func newCounter(early int, o cycleOrder) *counter {
	c := &counter{from: int64(max(early, 1)), until: int64(early + o.Pods), done: make(chan struct{})}
	if o.Profile {
		c.profile = &bytes.Buffer{}
	}
	return c
}

var _ fwk.BindPlugin = &counter{}

func (c *counter) factory(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return c, nil
}

// Name is the plugin's.
func (c *counter) Name() string { return counterName }

// Bind binds nothing.
func (c *counter) Bind(context.Context, fwk.CycleState, *corev1.Pod, string) *fwk.Status {
	switch c.seen.Add(1) {
	case c.from:
		if c.profile != nil {
			_ = pprof.StartCPUProfile(c.profile) // fails only where another one is being taken
		}
		c.start, c.cpu = time.Now(), child.Own().CPU
	case c.until:
		c.result = cycleReply{Seconds: time.Since(c.start).Seconds(), CPU: child.Own().CPU - c.cpu}
		if c.profile != nil {
			pprof.StopCPUProfile()
			c.result.Profile = c.profile.Bytes()
		}
		close(c.done)
	}
	return nil
}

// wait tells the parent the result.
func (c *counter) wait(ctx context.Context, ready func(cycleReply) error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return ready(c.result)
	}
}

func cycleOurs(ctx context.Context, o cycleOrder, ready func(cycleReply) error) error {
	world, early, err := o.world()
	if err != nil {
		return err
	}
	count := newCounter(early, o)
	s, err := newOurs(world.config(), &configv1.KubeSchedulerConfiguration{
		Profiles: []configv1.KubeSchedulerProfile{{
			SchedulerName: ptr.To(corev1.DefaultSchedulerName),
			Plugins: &configv1.Plugins{Bind: configv1.PluginSet{
				Enabled: []configv1.Plugin{{Name: counterName}}, Disabled: []configv1.Plugin{{Name: "*"}},
			}},
		}},
	}, scheduler.WithPlugin(counterName, count.factory))
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	if err := count.wait(ctx, ready); err != nil {
		return err
	}
	return <-ended
}

func cycleUpstream(ctx context.Context, o cycleOrder, ready func(cycleReply) error) error {
	world, early, err := o.world()
	if err != nil {
		return err
	}
	count := newCounter(early, o)
	configuration, err := latest.Default()
	if err != nil {
		return fmt.Errorf("making kube-scheduler's default configuration: %w", err)
	}
	configuration.Profiles[0].Plugins.Bind = config.PluginSet{
		Enabled: []config.Plugin{{Name: counterName}}, Disabled: []config.Plugin{{Name: "*"}},
	}
	run, err := newUpstream(ctx, world.config(), configuration, upstreamruntime.Registry{counterName: count.factory})
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { defer close(ended); run() }()
	if err := count.wait(ctx, ready); err != nil {
		return err
	}
	<-ended
	return nil
}
