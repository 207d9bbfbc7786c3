package cycle_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/cycle"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultbinder"
	"github.com/orrery-dev/orrery/scheduler/plugins/imagelocality"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeaffinity"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodename"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeports"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesbalancedallocation"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesfit"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeunschedulable"
	"github.com/orrery-dev/orrery/scheduler/plugins/prioritysort"
	"github.com/orrery-dev/orrery/scheduler/plugins/tainttoleration"
	"github.com/orrery-dev/orrery/scheduler/queue"
)

// fixture is a scheduler without an API server: what it would write there, it notes.
type fixture struct {
	cycle.Cycle
	profile *framework.Framework
	ended   chan attempt         // one for each attempt that is over
	groups  chan cycle.Condition // one for each attempt to schedule a pod group
	evicted chan string
	mutex   sync.Mutex
	pods    map[string]*corev1.Pod
}

// attempt is how an attempt ended.
type attempt struct{ pod, node, message string }

// settings say how a fixture differs from the default.
type settings struct {
	plugins    framework.Registry // besides the usual ones, in front of them
	bind       defaultbinder.Binding
	bindQueue  framework.BindQueue // nil for none
	percentage int32
	random     func(int) int
}

func newFixture(tb testing.TB, s settings, nodes ...*corev1.Node) *fixture {
	tb.Helper()
	f := &fixture{ended: make(chan attempt, 2000), groups: make(chan cycle.Condition, 1000), evicted: make(chan string, 1000), pods: map[string]*corev1.Pod{}}
	snapshot, known, nominator := &cache.Snapshot{}, cache.New(0), queue.NewNominator(nil)
	profile, err := framework.New(tb.Context(), f.registry(s), profileOf(s), framework.Environment{
		Snapshot: snapshot, PodGroups: known.Groups(), Nominator: nominator, Informers: informers.NewSharedInformerFactory(fake.NewClientset(), 0), Recorder: func(string) events.EventRecorderLogger { return silent{} },
	})
	if err != nil {
		tb.Fatal(err)
	}
	hints, err := profile.Hints(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	pending, err := queue.New(queue.Options{
		Nominator:  nominator,
		Less:       profile.Less,
		PreEnqueue: map[string][]fwk.PreEnqueuePlugin{corev1.DefaultSchedulerName: profile.PreEnqueuePlugins()},
		Hints:      map[string][]framework.Hint{corev1.DefaultSchedulerName: hints},
	})
	if err != nil {
		tb.Fatal(err)
	}
	profile.SetPodActivator(pending)
	f.profile = profile
	f.Cycle = cycle.Cycle{
		Queue: pending, Cache: known, Snapshot: snapshot, History: explain.NewHistory(0), API: f, Groups: f, Clock: clock.RealClock{},
		Profiles: map[string]*framework.Framework{corev1.DefaultSchedulerName: profile}, PercentageOfNodesToScore: s.percentage, Random: s.random,
	}
	for _, node := range nodes {
		f.Cache.AddNode(node)
	}
	return f
}

func (f *fixture) registry(s settings) framework.Registry {
	registry := framework.Registry{
		prioritysort.Name: prioritysort.New, nodename.Name: nodename.New, nodeunschedulable.Name: nodeunschedulable.New,
		tainttoleration.Name: tainttoleration.New, nodeaffinity.Name: nodeaffinity.New, nodeports.Name: nodeports.New,
		noderesourcesfit.Name: noderesourcesfit.New, imagelocality.Name: imagelocality.New,
		noderesourcesbalancedallocation.Name: noderesourcesbalancedallocation.New,
		defaultbinder.Name: defaultbinder.Factory(func(ctx context.Context, pod *corev1.Pod, node string) error {
			if s.bind != nil {
				if err := s.bind(ctx, pod, node); err != nil {
					return err
				}
			}
			f.ended <- attempt{pod: pod.Name, node: node}
			return nil
		}, s.bindQueue),
	}
	for name, factory := range s.plugins {
		registry[name] = factory
	}
	return registry
}

func profileOf(s settings) framework.Profile {
	var enabled []configv1.Plugin
	for name := range s.plugins {
		enabled = append(enabled, configv1.Plugin{Name: name})
	}
	slices.SortFunc(enabled, func(a, b configv1.Plugin) int { return len(a.Name) - len(b.Name) })
	enabled = append(enabled,
		configv1.Plugin{Name: prioritysort.Name}, configv1.Plugin{Name: nodename.Name}, configv1.Plugin{Name: nodeunschedulable.Name},
		configv1.Plugin{Name: tainttoleration.Name, Weight: ptr.To[int32](3)}, configv1.Plugin{Name: nodeaffinity.Name, Weight: ptr.To[int32](2)},
		configv1.Plugin{Name: nodeports.Name}, configv1.Plugin{Name: noderesourcesfit.Name}, configv1.Plugin{Name: imagelocality.Name},
		configv1.Plugin{Name: noderesourcesbalancedallocation.Name}, configv1.Plugin{Name: defaultbinder.Name},
	)
	both := []configv1.ResourceSpec{{Name: "cpu", Weight: 1}, {Name: "memory", Weight: 1}}
	return framework.Profile{
		SchedulerName: corev1.DefaultSchedulerName,
		Plugins:       &configv1.Plugins{MultiPoint: configv1.PluginSet{Enabled: enabled}},
		Args: map[string]runtime.Object{
			noderesourcesfit.Name: &configv1.NodeResourcesFitArgs{
				ScoringStrategy: &configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: both},
			},
			noderesourcesbalancedallocation.Name: &configv1.NodeResourcesBalancedAllocationArgs{Resources: both},
		},
	}
}

// Pod returns a pod as it was scheduled.
func (f *fixture) Pod(_, name string) *corev1.Pod {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.pods[name]
}

// Report notes that an attempt failed.
func (f *fixture) Report(_ context.Context, pod *corev1.Pod, condition *corev1.PodCondition, _ *fwk.NominatingInfo) error {
	if condition != nil {
		f.ended <- attempt{pod: pod.Name, message: condition.Message}
	}
	return nil
}

func (f *fixture) add(pods ...*corev1.Pod) {
	for _, pod := range pods {
		f.mutex.Lock()
		f.pods[pod.Name] = pod
		f.mutex.Unlock()
		f.Queue.Add(pod)
	}
}

// run schedules until the test ends.
func (f *fixture) run(tb testing.TB) {
	tb.Helper()
	var running sync.WaitGroup
	running.Go(func() { f.Run(klog.NewContext(context.Background(), klog.Logger{})) })
	tb.Cleanup(func() {
		f.Queue.Close()
		running.Wait()
	})
}

// next waits for the end of an attempt.
func (f *fixture) next(tb testing.TB) attempt {
	tb.Helper()
	select {
	case ended := <-f.ended:
		return ended
	case <-time.After(10 * time.Second):
		tb.Fatalf("no attempt ended in 10 s; pods are %v", f.Queue.Count())
		return attempt{}
	}
}

// nextEvicted waits for an eviction and returns the victim's name.
func (f *fixture) nextEvicted(tb testing.TB) string {
	tb.Helper()
	select {
	case name := <-f.evicted:
		return name
	case <-time.After(10 * time.Second):
		tb.Fatalf("nothing was evicted in 10 s; pods are %v", f.Queue.Count())
		return ""
	}
}

// eventually waits until something is so.
func (f *fixture) eventually(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	deadline := time.After(10 * time.Second)
	for !is() {
		select {
		case <-look.C:
		case <-deadline:
			tb.Fatalf("not in 10 s: %s; pods are %v", what, f.Queue.Count())
		}
	}
}

// silent records no events.
type silent struct{}

func (silent) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {}
func (s silent) WithLogger(klog.Logger) events.EventRecorderLogger                           { return s }

func newNode(name, cpu, memory string, change ...func(*corev1.Node)) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
	node.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory), corev1.ResourcePods: resource.MustParse("110"),
	}
	for _, c := range change {
		c(node)
	}
	return node
}

func newPod(name, cpu, memory string, change ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	pod.Spec.SchedulerName = corev1.DefaultSchedulerName
	pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "web", Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)},
	}}}
	for _, c := range change {
		c(pod)
	}
	return pod
}

func manyNodes(number int) []*corev1.Node {
	nodes := make([]*corev1.Node, number)
	for i := range nodes {
		nodes[i] = newNode(fmt.Sprintf("node-%d", i), "64", "256Gi", func(node *corev1.Node) {
			node.Labels[corev1.LabelTopologyZone] = fmt.Sprintf("zone-%d", i%3)
		})
	}
	return nodes
}

func infoOf(tb testing.TB, pod *corev1.Pod) *nodeinfo.PodInfo {
	tb.Helper()
	info, err := nodeinfo.NewPodInfo(pod)
	if err != nil {
		tb.Fatal(err)
	}
	return info
}

func seeded(seed uint64) func(int) int {
	random := rand.New(rand.NewPCG(seed, 1))
	return random.IntN
}
