package cycle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/equivalence"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/queue"
)

// errNoNodes is kube-scheduler's text.
var errNoNodes = errors.New("no nodes available to schedule pods")

// pluginMetricsPercent of the attempts have every plugin call measured.
const pluginMetricsPercent = 10

// API is what the cycle needs of the API server, besides what plugins do.
type API interface {
	// Pod returns a pod as the API server last showed it, or nil when it is gone. Do not change it.
	Pod(namespace, name string) *corev1.Pod
	// Report sets a condition (nil: none) and the nominated node (nil: leave it) in a pod's status.
	Report(ctx context.Context, pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) error
}

// Cycle schedules pods. All fields but the last three are required.
type Cycle struct {
	Queue    *queue.Queue
	Cache    *cache.Cache
	Snapshot *cache.Snapshot
	Profiles map[string]*framework.Framework
	API      API
	History  *explain.History
	Clock    clock.PassiveClock
	// Groups may be nil where pods are scheduled one by one.
	Groups GroupAPI
	// PercentageOfNodesToScore is that of profiles without their own. 0 means by the size of the cluster.
	PercentageOfNodesToScore int32
	// Random returns a number from 0 to below n. Nil means math/rand.
	Random func(n int) int
	// Classes remember what plugins said of nodes for pods alike. Nil means a cache of the default size.
	Classes *equivalence.Cache

	start     int        // where the next search starts
	placement *placement // the nodes that a pod group is tried on; nil means all
	binding   sync.WaitGroup
}

// Run schedules pods until the queue is closed or ctx ends, and then waits for bindings under way to end.
func (c *Cycle) Run(ctx context.Context) {
	defer c.binding.Wait()
	if c.Classes == nil {
		c.Classes = equivalence.New(0)
	}
	for c.awaitRoom(ctx) {
		entry := c.Queue.Pop()
		if entry == nil {
			return
		}
		c.scheduleOne(ctx, entry)
	}
}

// awaitRoom waits until few enough of the pods that are decided on wait to be bound. The next pod is chosen only then: until
// then a more important one can come. It reports false where ctx has ended.
func (c *Cycle) awaitRoom(ctx context.Context) bool {
	for _, profile := range c.Profiles {
		if !profile.BindQueue().Room(ctx) {
			return false
		}
	}
	return true
}

// attempt is one try to schedule one pod.
type attempt struct {
	entry   *queue.Entry
	profile *framework.Framework
	state   *framework.CycleState
	start   time.Time
	record  explain.Record
	finder  finder  // nil before nodes are looked for
	quorum  *quorum // of the pod's group; nil where the pod depends on no other
}

func (a *attempt) pod() *corev1.Pod { return a.entry.GetPod() }

func (c *Cycle) attempt(entry *queue.Entry, profile *framework.Framework) *attempt {
	pod, now := entry.GetPod(), c.Clock.Now()
	return &attempt{
		entry:   entry,
		profile: profile,
		state:   framework.NewCycleState(rand.IntN(100) < pluginMetricsPercent),
		start:   now,
		record: explain.Record{
			Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID),
			Profile: profile.ProfileName(), Attempt: entry.Attempts, When: now,
		},
	}
}

func (c *Cycle) scheduleOne(ctx context.Context, entry *queue.Entry) {
	if entry.Type() == fwk.PodGroupKeyType {
		c.scheduleGroup(ctx, entry)
		return
	}
	pod := entry.GetPod()
	profile, known := c.Profiles[pod.Spec.SchedulerName]
	if !known || c.skipPodSchedule(profile, pod) {
		c.Queue.Done(pod.UID)
		return
	}
	logger := klog.FromContext(ctx).WithValues("pod", klog.KObj(pod))
	ctx = klog.NewContext(ctx, logger)
	a := c.attempt(entry, profile)
	node, failure := c.decide(ctx, a)
	if failure != nil {
		c.handleFailure(ctx, a, *failure)
		return
	}
	assumed, failure := c.reserve(ctx, a, node)
	if failure != nil {
		c.handleFailure(ctx, a, *failure)
		return
	}
	c.startBinding(ctx, a, assumed, node)
}

// skipPodSchedule reports whether there is nothing to schedule: the pod is being deleted, or was decided on while it was
// queued.
func (c *Cycle) skipPodSchedule(profile *framework.Framework, pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		profile.EventRecorder().Eventf(pod, nil, corev1.EventTypeWarning, "FailedScheduling", "Scheduling",
			"skip schedule deleting pod: %v/%v", pod.Namespace, pod.Name)
		return true
	}
	return c.Cache.IsAssumed(pod.UID)
}

// decide finds the node for a pod, in the cluster as it is now.
func (c *Cycle) decide(ctx context.Context, a *attempt) (string, *failure) {
	c.Cache.Update(c.Snapshot)
	return c.decideOnSnapshot(ctx, a)
}

// decideOnSnapshot finds the node for a pod, in the cluster as the snapshot shows it.
func (c *Cycle) decideOnSnapshot(ctx context.Context, a *attempt) (string, *failure) {
	defer func() {
		metrics.AlgorithmDuration.WithLabelValues().Observe(c.Clock.Since(a.start).Seconds())
	}()
	if len(c.nodes()) == 0 {
		return "", &failure{status: fwk.NewStatus(fwk.UnschedulableAndUnresolvable).WithError(errNoNodes), nominating: noNomination}
	}
	feasible, diagnosis, err := c.find(ctx, a)
	if err != nil {
		return "", &failure{status: fwk.AsStatus(err), nominating: noNomination}
	}
	a.record.AllNodes = len(c.nodes())
	a.record.Feasible = len(feasible)
	a.record.Evaluated = len(feasible) + diagnosis.Nodes.Len()
	a.record.Later = func(record *explain.Record) { record.Refusals = explain.Refusals(diagnosis.Nodes.Own()) }
	if len(feasible) == 0 {
		return "", c.postFilter(ctx, a, diagnosis)
	}
	node, err := c.choose(ctx, a, feasible)
	if err != nil {
		return "", &failure{status: fwk.AsStatus(err), nominating: noNomination}
	}
	return node, nil
}

// postFilter asks the PostFilter plugins to help a pod that fits nowhere, and says why it does not.
func (c *Cycle) postFilter(ctx context.Context, a *attempt, diagnosis *framework.Diagnosis) *failure {
	fit := &framework.FitError{Pod: a.pod(), NodeCount: len(c.nodes()), Diagnosis: diagnosis}
	nominating := noNomination
	if a.state.IsPodGroupSchedulingCycle() {
		return &failure{status: fwk.NewStatus(fwk.Unschedulable).WithError(fit)} // Help is for the group as a whole.
	}
	if a.profile.HasPostFilterPlugins() {
		result, status := a.profile.RunPostFilterPlugins(ctx, a.state, a.pod(), diagnosis.Nodes)
		diagnosis.PostFilterMessage = status.Message()
		if status.IsError() {
			klog.FromContext(ctx).Error(status.AsError(), "PostFilter failed", "plugin", status.Plugin())
		}
		nominating = nil
		if result != nil {
			nominating = result.NominatingInfo
		}
	}
	return &failure{status: fwk.NewStatus(fwk.Unschedulable).WithError(fit), nominating: nominating}
}

// choose returns one of the best nodes.
func (c *Cycle) choose(ctx context.Context, a *attempt, nodes []fwk.NodeInfo) (string, error) {
	if len(nodes) == 1 {
		return nodes[0].Node().Name, nil
	}
	if !a.profile.HasScorePlugins() && !scoredByExtenders(a.profile) {
		return nodes[c.random(len(nodes))].Node().Name, nil
	}
	if status := a.profile.RunPreScorePlugins(ctx, a.state, a.pod(), nodes); !status.IsSuccess() {
		return "", status.AsError()
	}
	return a.finder.choose(ctx, nodes)
}

// bestOf adds the extenders' scores to the plugins', and returns one of the nodes with the highest.
func (c *Cycle) bestOf(ctx context.Context, a *attempt, nodes []fwk.NodeInfo, scores []fwk.NodePluginScores) (string, error) {
	c.scoreByExtenders(ctx, a, nodes, scores)
	a.record.Best = explain.Best(scores)
	var best []string
	for _, score := range scores {
		switch top := a.record.Best[0].Total; {
		case score.TotalScore == top:
			best = append(best, score.Name)
		case score.TotalScore > top:
			return "", fmt.Errorf("choosing a node: %s has more than the best score", score.Name)
		}
	}
	return best[c.random(len(best))], nil
}

func (c *Cycle) random(n int) int {
	if c.Random != nil {
		return c.Random(n)
	}
	return rand.IntN(n)
}
