package plugins_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	upstreaminterpodaffinity "k8s.io/kubernetes/pkg/scheduler/framework/plugins/interpodaffinity"
	upstreampodtopologyspread "k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread"
	upstreammetrics "k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/interpodaffinity"
	"github.com/orrery-dev/orrery/scheduler/plugins/podtopologyspread"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

// counter counts for all clusters: each is one more step in the life of a cluster.
var counter = topologycount.New()

// podPairs look at pods on many nodes.
var podPairs = []pair{
	{
		name: interpodaffinity.Name, ours: interpodaffinity.Factory(counter), upstream: measured(upstreaminterpodaffinity.New),
		args: interPodAffinityArgs, dress: sociable,
	},
	{
		name: podtopologyspread.Name, ours: podtopologyspread.Factory(counter), upstream: measured(upstreampodtopologyspread.New),
		args: podTopologySpreadArgs, dress: spreadOut,
	},
}

// measured registers the metrics that upstream's plugins write to when they count side by side.
func measured(factory upstreamFactory) upstreamFactory {
	return func(ctx context.Context, args runtime.Object, handle fwk.Handle, features feature.Features) (fwk.Plugin, error) {
		upstreammetrics.Register()
		return factory(ctx, args, handle, features)
	}
}

func interPodAffinityArgs(w *cluster) runtime.Object {
	return &configv1.InterPodAffinityArgs{
		HardPodAffinityWeight:              ptr.To(pick[int32](w, 0, 1, 1, 50, 100)),
		IgnorePreferredTermsOfExistingPods: w.chance(20),
	}
}

func podTopologySpreadArgs(w *cluster) runtime.Object {
	if w.chance(50) {
		return &configv1.PodTopologySpreadArgs{DefaultingType: configv1.SystemDefaulting}
	}
	args := &configv1.PodTopologySpreadArgs{DefaultingType: configv1.ListDefaulting}
	seen := map[[2]string]bool{}
	for _, constraint := range some(w, 3, w.constraint) {
		key := [2]string{constraint.TopologyKey, string(constraint.WhenUnsatisfiable)}
		if !seen[key] {
			seen[key] = true
			args.DefaultConstraints = append(args.DefaultConstraints, constraint)
		}
	}
	return args
}

// prepared is a plugin of one of the two sides on a cluster, after PreFilter.
type prepared struct {
	plugin   fwk.Plugin
	snapshot fwk.SharedLister
	state    fwk.CycleState
	verdict  verdict
}

// bothSides builds a pair's plugins for a cluster and runs PreFilter. It returns nil where they cannot be built.
func bothSides(t *testing.T, pair pair, w *cluster) (ours, theirs *prepared) {
	t.Helper()
	args := pair.args(w)
	converted, err := internal(args)
	if err != nil {
		t.Fatal(err)
	}
	build := func(factory upstreamFactory, args runtime.Object, snapshot fwk.SharedLister, state fwk.CycleState) *prepared {
		plugin, err := factory(t.Context(), args, handle{snapshot: snapshot, informers: w.informers(t)}, features())
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := snapshot.NodeInfos().List()
		if err != nil {
			t.Fatal(err)
		}
		_, status := plugin.(fwk.PreFilterPlugin).PreFilter(t.Context(), state, w.pod, nodes)
		return &prepared{plugin, snapshot, state, verdictOf(status)}
	}
	return build(withoutFeatures(pair.ours), args, w.ourSnapshot(), framework.NewCycleState(false)),
		build(pair.upstream, converted, w.theirSnapshot(), upstream.NewCycleState())
}

// filter returns the verdicts on all nodes of the cluster.
func (s *prepared) filter(t *testing.T, w *cluster, state fwk.CycleState) map[string]verdict {
	t.Helper()
	verdicts := map[string]verdict{}
	for _, node := range w.nodes {
		info, err := s.snapshot.NodeInfos().Get(node.Name)
		if err != nil {
			t.Fatal(err)
		}
		verdicts[node.Name] = verdictOf(s.plugin.(fwk.FilterPlugin).Filter(t.Context(), state, w.pod, info))
	}
	return verdicts
}

// TestPodClustersHaveEveryOutcome guards the comparison: a reason that never occurs would not be compared.
func TestPodClustersHaveEveryOutcome(t *testing.T) {
	wanted := map[string][]string{
		interpodaffinity.Name: {
			"PreFilter Success", "PreFilter Skip", "PreFilter UnschedulableAndUnresolvable",
			"Filter Success", "Filter node(s) didn't match pod affinity rules", "Filter node(s) didn't match pod anti-affinity rules",
			"Filter node(s) didn't satisfy existing pods anti-affinity rules",
			"PreScore Success", "PreScore Skip", "PreScore Error", "score 0", "score 100", "score between",
		},
		podtopologyspread.Name: {
			"PreFilter Success", "PreFilter Skip", "PreFilter Error",
			"Filter Success", "Filter node(s) didn't match pod topology spread constraints",
			"Filter node(s) didn't match pod topology spread constraints (missing required label)",
			"PreScore Success", "PreScore Skip", "PreScore Error", "score 0", "score 100", "score between",
		},
	}
	for _, pair := range podPairs {
		t.Run(pair.name, func(t *testing.T) {
			seen := map[string]int{}
			for seed := *first; seed < *first+1000; seed++ {
				w := newCluster(seed)
				pair.dress(w)
				ours, _ := bothSides(t, pair, w)
				outcomes(observe(t, w, ours.plugin, ours.snapshot, framework.NewCycleState(false)), seen)
			}
			for _, outcome := range wanted[pair.name] {
				if seen[outcome] == 0 {
					t.Errorf("%q never occurred in 1,000 clusters; %v did", outcome, seen)
				}
			}
		})
	}
}

// outcomes counts what was observed, by kind.
func outcomes(o observed, seen map[string]int) {
	seen["PreFilter "+o.PreFilter.Code]++
	seen["PreScore "+o.PreScore.Code]++
	for _, verdict := range o.Filter {
		if verdict.Reasons == nil {
			seen["Filter "+verdict.Code]++
		}
		for _, reason := range verdict.Reasons {
			seen["Filter "+reason]++
		}
	}
	for _, score := range o.Normalized {
		switch score {
		case 0, fwk.MaxNodeScore:
			seen[fmt.Sprint("score ", score)]++
		default:
			seen["score between"]++
		}
	}
}

// TestPodHintsAgreeWithUpstream tells the plugins of everything that can happen to a pod or a node.
func TestPodHintsAgreeWithUpstream(t *testing.T) {
	for _, pair := range podPairs {
		t.Run(pair.name, func(t *testing.T) {
			seen := map[string]int{}
			for seed := *first; seed < *first+uint64(*cases)/10; seed++ {
				w := newCluster(seed)
				pair.dress(w)
				ours, theirs := bothSides(t, pair, w)
				got, want := w.allHints(t, ours.plugin), w.allHints(t, theirs.plugin)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: upstream (-) and ours (+) differ:\n%s", seed, diff)
				}
				for what, answer := range got {
					seen[strings.Fields(what)[0]+" "+answer]++
				}
			}
			for _, kind := range []string{"AssignedPod", "Node"} {
				for _, answer := range []string{"Queue", "QueueSkip"} {
					if seen[kind+" "+answer+", broken: false"] == 0 {
						t.Errorf("no event of %s was answered with %s in %v", kind, answer, seen)
					}
				}
			}
		})
	}
}

func (w *cluster) allHints(t *testing.T, plugin fwk.Plugin) map[string]string {
	t.Helper()
	events, err := plugin.(fwk.EnqueueExtensions).EventsToRegister(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{}
	for _, event := range events {
		var changes []change
		switch event.Event.Resource {
		case fwk.Node:
			for i, node := range w.nodes {
				changes = append(changes, change{nil, node}, change{w.nodes[(i+1)%len(w.nodes)], node})
				if event.Event.ActionType&fwk.Delete != 0 {
					changes = append(changes, change{node, nil})
				}
			}
		case fwk.AssignedPod:
			for i, pod := range w.running {
				changes = append(changes, change{nil, pod}, change{pod, nil}, change{w.running[(i+1)%len(w.running)], pod}, change{pod, w.pod})
			}
		case fwk.TargetPod:
			for _, pod := range w.running {
				changes = append(changes, change{pod, w.pod})
			}
		}
		for i, change := range changes {
			answers[fmt.Sprintf("%s %d #%d", event.Event.Resource, event.Event.ActionType, i)] = hint(event, w.pod, change)
		}
	}
	return answers
}
