package plugins_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	upstreamcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultbinder"
	upstreamdefaultpreemption "k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	upstreampreemption "k8s.io/kubernetes/pkg/scheduler/framework/preemption"
	upstreamruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	upstreammetrics "k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultpreemption"
	"github.com/orrery-dev/orrery/scheduler/podgroups"
	"github.com/orrery-dev/orrery/scheduler/preemption"
)

// preempted is everything that preemption says about a cluster. Places and victims are those of all candidates.
type preempted struct {
	Verdict    verdict
	Candidates map[string]sacrifice
	Refused    map[string]verdict
	Ends       bool // the pod's nomination
}

type sacrifice struct {
	Victims    []string
	Violations int64
}

// BenchmarkPreemption plans preemption of one pod on 5,000 full nodes with 30 pods each, by us and by upstream.
func BenchmarkPreemption(b *testing.B) {
	upstreammetrics.InitMetrics()
	w := &cluster{Rand: rand.New(rand.NewPCG(1, 2))}
	for i := range 5000 {
		w.nodes = append(w.nodes, w.smallNode(fmt.Sprintf("node-%d", i)))
		w.nodes[i].Spec = corev1.NodeSpec{}
		w.nodes[i].Status.Allocatable = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("3"), corev1.ResourceMemory: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse("110"),
		}
		for range 30 {
			pod := w.preemptible(fmt.Sprintf("running-%d", len(w.running)))
			pod.Spec.NodeName, pod.Spec.Containers[0].Ports = w.nodes[i].Name, nil
			pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
			w.running = append(w.running, pod)
		}
	}
	for i := range 100 {
		w.objects = append(w.objects, w.budget(fmt.Sprintf("budget-%d", i)))
	}
	w.pod = w.preemptible("pending")
	w.pod.Spec = corev1.PodSpec{Priority: ptr.To[int32](1000), Containers: []corev1.Container{{
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}},
	}}}
	b.Run("ours", func(b *testing.B) {
		plan := w.ourPlanner(b, 16, 10, nil)
		for b.Loop() {
			if status := plan().Status; !status.IsSuccess() {
				b.Fatal(status.AsError())
			}
		}
	})
	b.Run("upstream", func(b *testing.B) {
		ctx := klog.NewContext(b.Context(), klog.Logger{})
		plugin, f, snapshot := w.theirPlugin(ctx, b, 16, 10, nil)
		state, statuses := w.theirFilter(b, f, snapshot)
		for b.Loop() {
			if _, status := plugin.Evaluator.Preempt(ctx, state, w.pod, statuses); !status.IsSuccess() {
				b.Fatal(status.AsError())
			}
		}
	})
}

func TestPluginsAgreeWithUpstreamOnVictims(t *testing.T) {
	upstreammetrics.InitMetrics()
	seen := map[string]int{}
	try := func(seed uint64) {
		w := newFullCluster(seed)
		nominated := w.nominations()
		got, choice := w.ourPreemption(t, nominated)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel() // Ends what upstream's framework has running.
		want, chosen, chooses := w.theirPreemption(ctx, t, nominated)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: upstream (-) and ours (+) differ:\n%s", seed, diff)
		}
		if choice.Candidate != nil && !chooses(choice.Place, chosen) {
			t.Fatalf("seed %d: we preempt on %s, upstream on %s, which it finds better, of %v", seed, choice.Place, chosen, want.Candidates)
		}
		count(seen, got)
	}
	for seed := *first; seed < *first+uint64(*cases); seed++ {
		try(seed)
	}
	for _, what := range []string{
		"success", "several candidates", "several victims", "a violated budget", "a respected budget", "no victims",
		"not eligible due to preemptionPolicy=Never.", "not eligible due to a terminating pod on the nominated node.",
		"Insufficient cpu", "Too many pods", "node(s) didn't have free ports for the requested pod ports", "nowhere",
	} {
		t.Logf("%d of %d clusters show %q", seen[what], *cases, what)
		if seen[what] < *cases/200 {
			t.Errorf("only %d of %d clusters show %q", seen[what], *cases, what)
		}
	}
}

func count(seen map[string]int, p preempted) {
	note := func(what string, is bool) {
		if is {
			seen[what]++
		}
	}
	victims, violations := 0, int64(0)
	for _, candidate := range p.Candidates {
		victims = max(victims, len(candidate.Victims))
		violations += candidate.Violations
	}
	note("success", p.Verdict.Code == fwk.Success.String())
	note("several candidates", len(p.Candidates) > 1)
	note("several victims", victims > 1)
	note("a violated budget", violations > 0)
	note("a respected budget", len(p.Candidates) > 0 && violations == 0)
	note("nowhere", p.Ends)
	for _, reason := range p.Verdict.Reasons {
		seen[reason]++
	}
	for _, status := range p.Refused {
		for _, reason := range status.Reasons {
			note("no victims", reason == "No preemption victims found for incoming pod")
			seen[reason]++
		}
	}
}

// nominees are pods nominated to nodes, as both sides know them.
type nominees map[string][]fwk.PodInfo

func (n nominees) AddNominatedPod(klog.Logger, fwk.PodInfo, *fwk.NominatingInfo) {}
func (n nominees) DeleteNominatedPodIfExists(*corev1.Pod)                        {}
func (n nominees) UpdateNominatedPod(klog.Logger, *corev1.Pod, fwk.PodInfo)      {}
func (n nominees) NominatedPodsForNode(node string) []fwk.PodInfo                { return n[node] }
func (n nominees) Activate(klog.Logger, map[string]*corev1.Pod)                  {}

// onlyPod is an API server that has the pod, where nothing is evicted.
type onlyPod struct{ pod *corev1.Pod }

func (p onlyPod) Pod(string, string) *corev1.Pod   { return p.pod }
func (p onlyPod) Counted(types.UID) *corev1.Pod    { return nil }
func (p onlyPod) Nominated(pod *corev1.Pod) string { return pod.Status.NominatedNodeName }
func (p onlyPod) Evict(context.Context, *corev1.Pod, corev1.PodCondition) (bool, error) {
	panic("a plan evicts a pod")
}

func (p onlyPod) Report(context.Context, *corev1.Pod, *corev1.PodCondition, *fwk.NominatingInfo) error {
	panic("a plan changes a pod")
}

func (w *cluster) budgets() []*policyv1.PodDisruptionBudget {
	var budgets []*policyv1.PodDisruptionBudget
	for _, object := range w.objects {
		budgets = append(budgets, object.(*policyv1.PodDisruptionBudget))
	}
	return budgets
}

var filtering = []string{"NodeName", "NodeUnschedulable", "TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit"}

func (w *cluster) ourPreemption(t *testing.T, nominated []*corev1.Pod) (preempted, preemption.Choice) {
	t.Helper()
	plan := w.ourPlanner(t, 1, 100, nominated)()
	result := preempted{Verdict: verdictOf(plan.Status), Candidates: map[string]sacrifice{}, Refused: map[string]verdict{}, Ends: plan.EndsNomination}
	for _, candidate := range plan.Candidates {
		result.Candidates[candidate.Place] = sacrifice{names(candidate.Pods), candidate.Violations}
	}
	if plan.Refused != nil {
		for node, status := range plan.Refused.Own() {
			result.Refused[node] = verdictOf(status)
		}
	}
	return result, plan.Choice
}

// ourPlanner returns what plans preemption for the pod, which has been filtered, with so many percent of the nodes as
// candidates.
func (w *cluster) ourPlanner(t testing.TB, parallelism int, percentage int32, nominated []*corev1.Pod) func() *defaultpreemption.Plan {
	t.Helper()
	known := nominees{}
	for _, pod := range nominated {
		info, err := nodeinfo.NewPodInfo(pod)
		if err != nil {
			t.Fatal(err)
		}
		known[pod.Status.NominatedNodeName] = append(known[pod.Status.NominatedNodeName], info)
	}
	snapshot := w.ourSnapshot()
	plugin, f := w.ourPlugin(t, onlyPod{w.pod}, snapshot, known, parallelism, percentage)
	state, statuses := framework.NewCycleState(false), framework.NewNodeStatuses()
	if _, status, _ := f.RunPreFilterPlugins(t.Context(), state, w.pod); !status.IsSuccess() {
		statuses.SetAbsent(status)
	} else {
		w.filterAll(t, snapshot, statuses.Set, func(node fwk.NodeInfo) *fwk.Status {
			return f.RunFilterPluginsWithNominatedPods(t.Context(), state, w.pod, node)
		})
	}
	return func() *defaultpreemption.Plan { return plugin.Plan(t.Context(), state, w.pod, statuses) }
}

// ourPlugin is our plugin in a framework that has those which filter besides.
func (w *cluster) ourPlugin(t testing.TB, api preemption.API, snapshot fwk.SharedLister, known nominees, parallelism int, percentage int32) (
	*defaultpreemption.Plugin, *framework.Framework,
) {
	t.Helper()
	registry := framework.Registry{"DefaultPreemption": defaultpreemption.Factory(api), "DefaultBinder": newBinder}
	plugins := &configv1.Plugins{MultiPoint: configv1.PluginSet{Enabled: []configv1.Plugin{{Name: "PrioritySort"}, {Name: "DefaultBinder"}}}}
	args := map[string]runtime.Object{
		"DefaultPreemption": &configv1.DefaultPreemptionArgs{MinCandidateNodesPercentage: &percentage, MinCandidateNodesAbsolute: ptr.To[int32](1)},
		"NodeAffinity":      &configv1.NodeAffinityArgs{},
		"NodeResourcesFit": &configv1.NodeResourcesFitArgs{
			ScoringStrategy: &configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: []configv1.ResourceSpec{{Name: "cpu", Weight: 1}}},
		},
	}
	for _, pair := range nodePairs {
		registry[pair.name] = pair.ours
	}
	for _, name := range append(slices.Clone(filtering), "DefaultPreemption") {
		plugins.MultiPoint.Enabled = append(plugins.MultiPoint.Enabled, configv1.Plugin{Name: name})
	}
	var plugin *defaultpreemption.Plugin
	build := registry["DefaultPreemption"]
	registry["DefaultPreemption"] = func(ctx context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		built, err := build(ctx, args, handle)
		plugin, _ = built.(*defaultpreemption.Plugin)
		return built, err
	}
	f, err := framework.New(t.Context(), registry, framework.Profile{Plugins: plugins, Args: args},
		framework.Environment{Snapshot: snapshot, Nominator: known, Informers: w.informers(t), Parallelism: parallelism})
	if err != nil {
		t.Fatal(err)
	}
	f.SetPodActivator(known)
	return plugin, f
}

func newBinder(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return binder{}, nil }

type binder struct{}

func (binder) Name() string { return "DefaultBinder" }
func (binder) Bind(context.Context, fwk.CycleState, *corev1.Pod, string) *fwk.Status {
	panic("preemption binds a pod")
}

// filterAll says of each node whether the pod fits, where it does not.
func (w *cluster) filterAll(t testing.TB, snapshot fwk.SharedLister, set func(string, *fwk.Status), filter func(fwk.NodeInfo) *fwk.Status) {
	t.Helper()
	for _, node := range w.nodes {
		info, err := snapshot.NodeInfos().Get(node.Name)
		if err != nil {
			t.Fatal(err)
		}
		if status := filter(info); !status.IsSuccess() {
			set(node.Name, status)
		}
	}
}

// names are in the order of importance, and of the names where priorities are equal: upstream has those in any order.
func names(pods []*corev1.Pod) []string {
	pods = slices.SortedFunc(slices.Values(pods), func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Compare(schedulinghelpers.PodPriority(b), schedulinghelpers.PodPriority(a))
	})
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	return names
}

// theirPreemption also returns the node that upstream chose, and what tells whether it finds one as good as another.
func (w *cluster) theirPreemption(ctx context.Context, t *testing.T, nominated []*corev1.Pod) (result preempted, chosen string, chooses func(ours, theirs string) bool) {
	t.Helper()
	plugin, f, snapshot := w.theirPlugin(ctx, t, 1, 100, nominated)
	state, statuses := w.theirFilter(t, f, snapshot)
	// It logs that nominated pods are not on its API server.
	answer, status := plugin.Evaluator.Preempt(klog.NewContext(ctx, klog.Logger{}), state, w.pod, statuses)
	result = preempted{Verdict: verdictOf(status), Candidates: map[string]sacrifice{}, Refused: map[string]verdict{}}
	if status.IsSuccess() {
		chosen = answer.NominatedNodeName
	} else {
		result.Ends = answer != nil
	}
	if eligible, _ := plugin.PodEligibleToPreemptOthers(t.Context(), w.pod, statuses.Get(w.pod.Status.NominatedNodeName)); !eligible {
		return result, chosen, nil
	}
	candidates := w.theirCandidates(t, plugin, snapshot, state, statuses, &result)
	return result, chosen, func(ours, theirs string) bool {
		// Among equally good nodes upstream takes one at random, so that it takes each in turn if it is asked often.
		for range 100 {
			if ours == theirs || plugin.Evaluator.SelectCandidate(t.Context(), []upstreampreemption.Candidate{candidates[ours], candidates[theirs]}).Name() == ours {
				return true
			}
		}
		return false
	}
}

// theirPlugin is upstream's, which evicts nobody.
func (w *cluster) theirPlugin(ctx context.Context, t testing.TB, parallelism int, percentage int32, nominated []*corev1.Pod) (
	*upstreamdefaultpreemption.DefaultPreemption, upstream.Framework, *upstreamcache.Snapshot,
) {
	t.Helper()
	snapshot := upstreamcache.NewSnapshot(w.running, w.nodes)
	known := nominees{}
	for _, pod := range nominated {
		info, err := upstream.NewPodInfo(pod)
		if err != nil {
			t.Fatal(err)
		}
		known[pod.Status.NominatedNodeName] = append(known[pod.Status.NominatedNodeName], info)
	}
	var plugin *upstreamdefaultpreemption.DefaultPreemption
	f := w.theirFramework(ctx, t, snapshot, known, parallelism, percentage, &plugin)
	plugin.Executor.PreemptPod = func(context.Context, upstreampreemption.Candidate, upstreampreemption.ExecutorPreemptor, *corev1.Pod, string) (bool, error) {
		return false, nil
	}
	return plugin, f, snapshot
}

func (w *cluster) theirFilter(t testing.TB, f upstream.Framework, snapshot *upstreamcache.Snapshot) (fwk.CycleState, *upstream.NodeToStatus) {
	t.Helper()
	state, statuses := upstream.NewCycleState(), upstream.NewDefaultNodeToStatus()
	if _, status, _ := f.RunPreFilterPlugins(t.Context(), state, w.pod); !status.IsSuccess() {
		statuses.SetAbsentNodesStatus(status)
	} else {
		w.filterAll(t, snapshot, statuses.Set, func(node fwk.NodeInfo) *fwk.Status {
			return f.RunFilterPluginsWithNominatedPods(t.Context(), state, w.pod, node)
		})
	}
	return state, statuses
}

func (w *cluster) theirCandidates(t *testing.T, plugin *upstreamdefaultpreemption.DefaultPreemption, snapshot *upstreamcache.Snapshot,
	state fwk.CycleState, statuses *upstream.NodeToStatus, result *preempted,
) map[string]upstreampreemption.Candidate {
	t.Helper()
	potential, err := statuses.NodesForStatusCode(snapshot, fwk.Unschedulable)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]upstreampreemption.Candidate{}
	if len(potential) == 0 {
		return byName
	}
	candidates, refused, err := plugin.Evaluator.DryRunPreemption(t.Context(), state, w.pod, potential, w.budgets(), 0, int32(len(potential)))
	if err != nil {
		t.Fatal(err)
	}
	for _, candidate := range candidates {
		byName[candidate.Name()] = candidate
		victims := candidate.Victims()
		result.Candidates[candidate.Name()] = sacrifice{names(victims.Pods), victims.NumPDBViolations}
	}
	refused.ForEachExplicitNode(func(node string, status *fwk.Status) { result.Refused[node] = verdictOf(status) })
	return byName
}

func (w *cluster) theirFramework(ctx context.Context, t testing.TB, snapshot *upstreamcache.Snapshot, known nominees, parallelism int,
	percentage int32, plugin **upstreamdefaultpreemption.DefaultPreemption,
) upstream.Framework {
	t.Helper()
	own := features()
	own.EnableAsyncPreemption = false // The decision is the same, and is over when PostFilter returns.
	registry := upstreamruntime.Registry{"DefaultBinder": defaultbinder.New}
	for _, pair := range nodePairs {
		registry[pair.name] = func(ctx context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
			return pair.upstream(ctx, args, handle, own)
		}
	}
	registry["DefaultPreemption"] = func(ctx context.Context, args runtime.Object, handle fwk.Handle) (_ fwk.Plugin, err error) {
		*plugin, err = upstreamdefaultpreemption.New(ctx, args, handle, own)
		return *plugin, err
	}
	profile := &config.KubeSchedulerProfile{
		Plugins: &config.Plugins{MultiPoint: config.PluginSet{Enabled: []config.Plugin{{Name: "PrioritySort"}, {Name: "DefaultBinder"}}}},
		PluginConfig: []config.PluginConfig{
			{Name: "DefaultPreemption", Args: &config.DefaultPreemptionArgs{MinCandidateNodesPercentage: percentage, MinCandidateNodesAbsolute: 1}},
			{Name: "NodeAffinity", Args: &config.NodeAffinityArgs{}},
			{Name: "NodeResourcesFit", Args: &config.NodeResourcesFitArgs{
				ScoringStrategy: &config.ScoringStrategy{Type: config.LeastAllocated, Resources: []config.ResourceSpec{{Name: "cpu", Weight: 1}}},
			}},
		},
	}
	for _, name := range append(slices.Clone(filtering), "DefaultPreemption") {
		profile.Plugins.MultiPoint.Enabled = append(profile.Plugins.MultiPoint.Enabled, config.Plugin{Name: name, Weight: 1})
	}
	factory := w.informers(t)
	if err := factory.Core().V1().Pods().Informer().GetIndexer().Add(w.pod); err != nil {
		t.Fatal(err)
	}
	f, err := upstreamruntime.NewFramework(ctx, registry, profile,
		upstreamruntime.WithSnapshotSharedLister(snapshot), upstreamruntime.WithMutableSnapshotLister(snapshot),
		upstreamruntime.WithInformerFactory(factory), upstreamruntime.WithPodNominator(known),
		upstreamruntime.WithClientSet(fake.NewClientset()), upstreamruntime.WithEventRecorder(&events.FakeRecorder{}),
		upstreamruntime.WithParallelism(parallelism), upstreamruntime.WithLogger(klog.Logger{}),
		upstreamruntime.WithPodGroupManager(podgroups.New()))
	if err != nil {
		t.Fatal(fmt.Errorf("building upstream's framework: %w", err))
	}
	return f
}
