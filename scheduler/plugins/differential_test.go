package plugins_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	upstreamconfig "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"
	upstreamcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/parallelize"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	upstreamimagelocality "k8s.io/kubernetes/pkg/scheduler/framework/plugins/imagelocality"
	upstreamnodeaffinity "k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeaffinity"
	upstreamnodedeclaredfeatures "k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodedeclaredfeatures"
	upstreamnodename "k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodename"
	upstreamnodeports "k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeports"
	upstreamnoderesources "k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources"
	upstreamnodeunschedulable "k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeunschedulable"
	upstreamqueuesort "k8s.io/kubernetes/pkg/scheduler/framework/plugins/queuesort"
	upstreamschedulinggates "k8s.io/kubernetes/pkg/scheduler/framework/plugins/schedulinggates"
	upstreamtainttoleration "k8s.io/kubernetes/pkg/scheduler/framework/plugins/tainttoleration"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/imagelocality"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeaffinity"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodedeclaredfeatures"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodename"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeports"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesbalancedallocation"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesfit"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeunschedulable"
	"github.com/orrery-dev/orrery/scheduler/plugins/prioritysort"
	"github.com/orrery-dev/orrery/scheduler/plugins/schedulinggates"
	"github.com/orrery-dev/orrery/scheduler/plugins/tainttoleration"
)

var (
	cases = flag.Int("differential.cases", 3000, "random clusters for each plugin")
	first = flag.Uint64("differential.first", 1, "seed of the first cluster; a failure names its seed")
)

// features are kube-scheduler's defaults, without extended resources that are backed by device classes: there are none in
// these clusters.
func features() feature.Features {
	features := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	features.EnableDRAExtendedResource = false
	return features
}

type upstreamFactory = func(context.Context, runtime.Object, fwk.Handle, feature.Features) (fwk.Plugin, error)

func withoutFeatures(factory framework.Factory) upstreamFactory {
	return func(ctx context.Context, args runtime.Object, handle fwk.Handle, _ feature.Features) (fwk.Plugin, error) {
		return factory(ctx, args, handle)
	}
}

// pair is a plugin of ours and kube-scheduler's of the same name.
type pair struct {
	name     string
	ours     framework.Factory
	upstream upstreamFactory
	args     func(w *cluster) runtime.Object // nil: none
	// dress adds to a cluster what these plugins look at and others do not. Nil: nothing.
	dress func(w *cluster)
}

var pairs = slices.Concat(nodePairs, podPairs, volumePairs)

// nodePairs look at nodes and at the pods on one node.
var nodePairs = []pair{
	{name: "PrioritySort", ours: prioritysort.New, upstream: withoutFeatures(upstreamqueuesort.New)},
	{name: "SchedulingGates", ours: schedulinggates.New, upstream: upstreamschedulinggates.New},
	{name: "NodeName", ours: nodename.New, upstream: upstreamnodename.New},
	{name: "NodeUnschedulable", ours: nodeunschedulable.New, upstream: upstreamnodeunschedulable.New},
	{name: "TaintToleration", ours: tainttoleration.New, upstream: upstreamtainttoleration.New},
	{name: "NodeDeclaredFeatures", ours: nodedeclaredfeatures.New, upstream: upstreamnodedeclaredfeatures.New, dress: declareFeatures},
	{name: "NodePorts", ours: nodeports.New, upstream: upstreamnodeports.New},
	{name: "ImageLocality", ours: imagelocality.New, upstream: withoutFeatures(upstreamimagelocality.New)},
	{name: "NodeAffinity", ours: nodeaffinity.New, upstream: upstreamnodeaffinity.New, args: affinityArgs},
	{name: "NodeResourcesFit", ours: noderesourcesfit.New, upstream: upstreamnoderesources.NewFit, args: fitArgs},
	{
		name: "NodeResourcesBalancedAllocation",
		ours: noderesourcesbalancedallocation.New, upstream: upstreamnoderesources.NewBalancedAllocation, args: balancedArgs,
	},
}

// declareFeatures has pods that need features, and nodes that say which they have.
func declareFeatures(w *cluster) {
	for _, pod := range append(slices.Clone(w.running), w.pod) {
		if w.chance(50) {
			pod.Spec.HostNetwork, pod.Spec.HostUsers = w.chance(80), ptr.To(w.chance(30))
		}
		if w.chance(40) {
			pod.Spec.Containers[0].RestartPolicyRules = []corev1.ContainerRestartRule{{
				Action: pick(w, corev1.ContainerRestartRuleActionRestart, corev1.ContainerRestartRuleActionRestartAllContainers),
			}}
		}
	}
	for _, node := range w.nodes {
		for _, feature := range []string{"RestartAllContainersOnContainerExits", "Unheard", "UserNamespacesHostNetworkSupport"} {
			if w.chance(60) {
				node.Status.DeclaredFeatures = append(node.Status.DeclaredFeatures, feature)
			}
		}
	}
}

func affinityArgs(w *cluster) runtime.Object {
	args := &configv1.NodeAffinityArgs{}
	if w.chance(30) {
		args.AddedAffinity = w.affinity()
		if required := args.AddedAffinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil && w.chance(50) {
			args.AddedAffinity.RequiredDuringSchedulingIgnoredDuringExecution = nil
		}
	}
	return args
}

func scoredResources(w *cluster, weight func() int64) []configv1.ResourceSpec {
	var resources []configv1.ResourceSpec
	for _, name := range []string{"cpu", "memory", "example.com/gpu", "ephemeral-storage"} {
		if w.chance(60) {
			resources = append(resources, configv1.ResourceSpec{Name: name, Weight: weight()})
		}
	}
	if resources == nil {
		resources = []configv1.ResourceSpec{{Name: "cpu", Weight: 1}, {Name: "memory", Weight: 1}}
	}
	return resources
}

func fitArgs(w *cluster) runtime.Object {
	args := &configv1.NodeResourcesFitArgs{ScoringStrategy: &configv1.ScoringStrategy{
		Type:      pick(w, configv1.LeastAllocated, configv1.MostAllocated, configv1.RequestedToCapacityRatio),
		Resources: scoredResources(w, func() int64 { return 1 + w.Int64N(5) }),
	}}
	if args.ScoringStrategy.Type == configv1.RequestedToCapacityRatio {
		shape := []configv1.UtilizationShapePoint{{Utilization: w.Int32N(50), Score: w.Int32N(11)}}
		if w.chance(70) {
			shape = append(shape, configv1.UtilizationShapePoint{Utilization: 50 + w.Int32N(51), Score: w.Int32N(11)})
		}
		args.ScoringStrategy.RequestedToCapacityRatio = &configv1.RequestedToCapacityRatioParam{Shape: shape}
	}
	if w.chance(20) {
		args.IgnoredResources = []string{"example.com/gpu"}
	}
	if w.chance(20) {
		args.IgnoredResourceGroups = []string{"example.com"}
	}
	return args
}

func balancedArgs(w *cluster) runtime.Object {
	return &configv1.NodeResourcesBalancedAllocationArgs{Resources: scoredResources(w, func() int64 { return 1 })}
}

// internal converts arguments to the type that upstream's plugins want.
func internal(args runtime.Object) (runtime.Object, error) {
	switch args := args.(type) {
	case *configv1.NodeAffinityArgs:
		out := &config.NodeAffinityArgs{}
		return out, upstreamconfig.Convert_v1_NodeAffinityArgs_To_config_NodeAffinityArgs(args, out, nil)
	case *configv1.NodeResourcesFitArgs:
		out := &config.NodeResourcesFitArgs{}
		return out, upstreamconfig.Convert_v1_NodeResourcesFitArgs_To_config_NodeResourcesFitArgs(args, out, nil)
	case *configv1.NodeResourcesBalancedAllocationArgs:
		out := &config.NodeResourcesBalancedAllocationArgs{}
		return out, upstreamconfig.Convert_v1_NodeResourcesBalancedAllocationArgs_To_config_NodeResourcesBalancedAllocationArgs(args, out, nil)
	case *configv1.InterPodAffinityArgs:
		out := &config.InterPodAffinityArgs{}
		return out, upstreamconfig.Convert_v1_InterPodAffinityArgs_To_config_InterPodAffinityArgs(args, out, nil)
	case *configv1.PodTopologySpreadArgs:
		out := &config.PodTopologySpreadArgs{}
		return out, upstreamconfig.Convert_v1_PodTopologySpreadArgs_To_config_PodTopologySpreadArgs(args, out, nil)
	case *configv1.VolumeBindingArgs:
		out := &config.VolumeBindingArgs{}
		return out, upstreamconfig.Convert_v1_VolumeBindingArgs_To_config_VolumeBindingArgs(args, out, nil)
	}
	return nil, nil
}

// handle is what these plugins use of a Handle.
type handle struct {
	fwk.Handle
	snapshot  fwk.SharedLister
	informers informers.SharedInformerFactory
}

func (h handle) SnapshotSharedLister() fwk.SharedLister                 { return h.snapshot }
func (h handle) SharedInformerFactory() informers.SharedInformerFactory { return h.informers }
func (h handle) SharedDRAManager() fwk.SharedDRAManager                 { return nil }
func (h handle) Parallelizer() fwk.Parallelizer                         { return parallelize.NewParallelizer(1) }

func TestPluginsAgreeWithUpstream(t *testing.T) {
	for _, pair := range pairs {
		t.Run(pair.name, func(t *testing.T) {
			for seed := *first; seed < *first+uint64(*cases); seed++ {
				w := newCluster(seed)
				if pair.dress != nil {
					pair.dress(w)
				}
				var args runtime.Object
				if pair.args != nil {
					args = pair.args(w)
				}
				converted, err := internal(args)
				if err != nil {
					t.Fatal(err)
				}
				snapshot, state := w.ourSnapshot(), framework.NewCycleState(false)
				ours, ourErr := pair.ours(t.Context(), args, handle{snapshot: snapshot, informers: w.informers(t)})
				theirs, theirErr := pair.upstream(t.Context(), converted, handle{snapshot: w.theirSnapshot(), informers: w.informers(t)}, features())
				if (ourErr == nil) != (theirErr == nil) {
					t.Fatalf("seed %d: built with %v, upstream with %v", seed, ourErr, theirErr)
				}
				if ourErr != nil {
					continue
				}
				got := observe(t, w, ours, snapshot, state)
				want := observe(t, w, theirs, w.theirSnapshot(), upstream.NewCycleState())
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: upstream (-) and ours (+) differ:\n%s", seed, diff)
				}
				sameInBatch(t, w, ours, snapshot, state, want)
			}
		})
	}
}

func (w *cluster) ourSnapshot() fwk.SharedLister {
	c, snapshot := cache.New(0), &cache.Snapshot{}
	for _, pod := range w.running {
		if err := c.AddPod(pod); err != nil {
			panic(err)
		}
	}
	for _, node := range w.nodes {
		c.AddNode(node)
	}
	c.Update(snapshot)
	return snapshot
}

func (w *cluster) theirSnapshot() fwk.SharedLister {
	return upstreamcache.NewSnapshot(w.running, w.nodes)
}

// observed is everything that a plugin says about a cluster.
type observed struct {
	PreEnqueue, PreFilter, PreScore verdict
	NodeNames                       []string
	Filter                          map[string]verdict
	Scores, Normalized              map[string]int64
	ScoreVerdict                    verdict
	Less                            []bool
	Events                          []string
	Hints                           map[string]string
}

type verdict struct {
	Code    string
	Reasons []string
}

// verdictOf leaves out the text of errors, which is for people who read logs.
func verdictOf(status *fwk.Status) verdict {
	v := verdict{Code: status.Code().String()}
	if !status.IsSuccess() && !status.IsSkip() && !status.IsError() {
		v.Reasons = slices.Sorted(slices.Values(status.Reasons()))
	}
	return v
}

func observe(t *testing.T, w *cluster, plugin fwk.Plugin, snapshot fwk.SharedLister, state fwk.CycleState) observed {
	t.Helper()
	o := observed{Filter: map[string]verdict{}, Scores: map[string]int64{}, Normalized: map[string]int64{}, Hints: map[string]string{}}
	var nodes []fwk.NodeInfo
	for _, node := range w.nodes {
		info, err := snapshot.NodeInfos().Get(node.Name)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, info)
	}
	if gate, ok := plugin.(fwk.PreEnqueuePlugin); ok {
		o.PreEnqueue = verdictOf(gate.PreEnqueue(t.Context(), w.pod))
	}
	o.filter(t.Context(), w, plugin, state, nodes)
	o.score(t.Context(), w, plugin, state, nodes)
	o.hints(t, w, plugin)
	if sorter, ok := plugin.(fwk.QueueSortPlugin); ok {
		for _, a := range w.running {
			for _, b := range w.running {
				o.Less = append(o.Less, sorter.Less(queued(a), queued(b)))
			}
		}
	}
	return o
}

func queued(pod *corev1.Pod) fwk.QueuedEntityInfo {
	info, err := upstream.NewPodInfo(pod)
	if err != nil {
		panic(err)
	}
	entry := &upstream.QueuedPodInfo{PodInfo: info}
	entry.Timestamp = entry.Timestamp.Add(1 << len(pod.Spec.Tolerations))
	return entry
}

// filter runs PreFilter and Filter; a plugin without PreFilter is the same as one whose PreFilter does nothing.
func (o *observed) filter(ctx context.Context, w *cluster, plugin fwk.Plugin, state fwk.CycleState, nodes []fwk.NodeInfo) {
	o.PreFilter = verdictOf(nil)
	if filter, ok := plugin.(fwk.PreFilterPlugin); ok {
		result, status := filter.PreFilter(ctx, state, w.pod, nodes)
		o.PreFilter = verdictOf(status)
		if !status.IsSuccess() {
			return
		}
		if !result.AllNodes() {
			o.NodeNames = sets.List(result.NodeNames)
		}
	}
	if filter, ok := plugin.(fwk.FilterPlugin); ok {
		for _, node := range nodes {
			o.Filter[node.Node().Name] = verdictOf(filter.Filter(ctx, state, w.pod, node))
		}
	}
}

func (o *observed) score(ctx context.Context, w *cluster, plugin fwk.Plugin, state fwk.CycleState, nodes []fwk.NodeInfo) {
	if scorer, ok := plugin.(fwk.PreScorePlugin); ok {
		status := scorer.PreScore(ctx, state, w.pod, nodes)
		o.PreScore = verdictOf(status)
		if !status.IsSuccess() {
			return
		}
	}
	scorer, ok := plugin.(fwk.ScorePlugin)
	if !ok {
		return
	}
	var list fwk.NodeScoreList
	for _, node := range nodes {
		score, status := scorer.Score(ctx, state, w.pod, node)
		if !status.IsSuccess() {
			o.ScoreVerdict = verdictOf(status)
			return
		}
		o.Scores[node.Node().Name] = score
		list = append(list, fwk.NodeScore{Name: node.Node().Name, Score: score})
	}
	if extensions := scorer.ScoreExtensions(); extensions != nil {
		o.ScoreVerdict = verdictOf(extensions.NormalizeScore(ctx, state, w.pod, list))
	}
	for _, score := range list {
		o.Normalized[score.Name] = score.Score
	}
}

// hints asks the plugin for its events, and what each of them means for the pod when it happens to various objects.
func (o *observed) hints(t *testing.T, w *cluster, plugin fwk.Plugin) {
	t.Helper()
	extension, ok := plugin.(fwk.EnqueueExtensions)
	if !ok {
		return
	}
	events, err := extension.EventsToRegister(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		label := fmt.Sprintf("%s %d", event.Event.Resource, event.Event.ActionType)
		o.Events = append(o.Events, label)
		for i, change := range w.changes(event.Event) {
			o.Hints[fmt.Sprintf("%s #%d", label, i)] = hint(event, w.pod, change)
		}
	}
	slices.Sort(o.Events)
}

type change struct{ old, new any }

// changes are the same for both sides: they depend on the cluster only.
func (w *cluster) changes(event fwk.ClusterEvent) []change {
	var changes []change
	switch event.Resource {
	case fwk.Node:
		for i, node := range w.nodes {
			changes = append(changes, change{nil, node}, change{w.nodes[(i+1)%len(w.nodes)], node})
		}
	case fwk.AssignedPod, fwk.TargetPod:
		for i, pod := range w.running {
			if event.ActionType&fwk.Delete != 0 {
				changes = append(changes, change{pod, nil}, change{w.pod, nil})
				continue
			}
			changes = append(changes, change{w.running[(i+1)%len(w.running)], pod}, change{pod, w.pod})
		}
	default:
		changes = w.objectChanges(event)
	}
	return changes
}

func hint(event fwk.ClusterEventWithHint, pod *corev1.Pod, change change) string {
	answer, err := fwk.Queue, error(nil)
	if event.QueueingHintFn != nil { // Without a function, every such event counts.
		answer, err = event.QueueingHintFn(klog.Background(), pod, change.old, change.new)
	}
	return fmt.Sprintf("%s, broken: %t", answer, err != nil)
}
