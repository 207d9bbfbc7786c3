package plugins_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
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
	"github.com/orrery-dev/orrery/scheduler/tally"
)

// keeper counts for all worlds: each is one more step in the life of a cluster.
var keeper = tally.New()

// podPairs look at pods on many nodes.
var podPairs = []pair{
	{
		name: interpodaffinity.Name, ours: interpodaffinity.Factory(keeper), upstream: measured(upstreaminterpodaffinity.New),
		args: interPodAffinityArgs, dress: sociable,
	},
	{
		name: podtopologyspread.Name, ours: podtopologyspread.Factory(keeper), upstream: measured(upstreampodtopologyspread.New),
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

func interPodAffinityArgs(w *world) runtime.Object {
	return &configv1.InterPodAffinityArgs{
		HardPodAffinityWeight:              ptr.To(pick[int32](w, 0, 1, 1, 50, 100)),
		IgnorePreferredTermsOfExistingPods: w.chance(20),
	}
}

func podTopologySpreadArgs(w *world) runtime.Object {
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

// prepared is a plugin of one of the two sides on a world, after PreFilter.
type prepared struct {
	plugin   fwk.Plugin
	snapshot fwk.SharedLister
	state    fwk.CycleState
	verdict  verdict
}

// bothSides builds a pair's plugins for a world and runs PreFilter. It returns nil where they cannot be built.
func bothSides(t *testing.T, pair pair, w *world) (ours, theirs *prepared) {
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

// filter returns the verdicts on all nodes of the world.
func (s *prepared) filter(t *testing.T, w *world, state fwk.CycleState) map[string]verdict {
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

// TestTrialsAgreeWithUpstream puts pods on a node and takes them off again, as preemption does and the pods that are
// nominated. Upstream's counts of topology spread are exact for changes of one node only, and so those are compared.
func TestTrialsAgreeWithUpstream(t *testing.T) {
	for _, pair := range podPairs {
		t.Run(pair.name, func(t *testing.T) {
			for seed := *first; seed < *first+uint64(*cases)/4; seed++ {
				w := newWorld(seed)
				pair.dress(w)
				ours, theirs := bothSides(t, pair, w)
				if diff := cmp.Diff(theirs.verdict, ours.verdict); diff != "" {
					t.Fatalf("seed %d: upstream (-) and ours (+) differ in PreFilter:\n%s", seed, diff)
				}
				if ours.verdict.Code != fwk.Success.String() {
					continue
				}
				script := w.trials()
				got, want := ours.try(t, w, script), theirs.try(t, w, script)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: upstream (-) and ours (+) differ after trials %v:\n%s", seed, script, diff)
				}
			}
		})
	}
}

// script is what is done to one node.
type script struct {
	node  string
	steps []step
}

type step struct {
	pod    *corev1.Pod
	remove bool
	// fork goes on with a copy of the state, and the one before has to stay as it is.
	fork bool
}

func (s step) String() string {
	return fmt.Sprintf("{%s, remove: %t, fork: %t}", s.pod.Name, s.remove, s.fork)
}

// trials takes away pods that are on a node, perhaps puts them back, and adds others.
func (w *world) trials() script {
	s := script{node: w.nodes[w.IntN(len(w.nodes))].Name}
	on := map[*corev1.Pod]bool{}
	for _, pod := range w.running {
		on[pod] = pod.Spec.NodeName == s.node
	}
	for range 1 + w.IntN(8) {
		if len(w.running) == 0 {
			break
		}
		pod := w.running[w.IntN(len(w.running))]
		s.steps = append(s.steps, step{pod: pod, remove: on[pod], fork: w.chance(30)})
		on[pod] = !on[pod]
	}
	return s
}

// try runs the script, and returns the verdicts after each step and, at the end, those of all states that it forked.
func (s *prepared) try(t *testing.T, w *world, script script) (verdicts []map[string]verdict) {
	t.Helper()
	info, err := s.snapshot.NodeInfos().Get(script.node)
	if err != nil {
		t.Fatal(err)
	}
	extensions := s.plugin.(fwk.PreFilterPlugin).PreFilterExtensions()
	states := []fwk.CycleState{s.state}
	for _, step := range script.steps {
		if step.fork {
			states = append(states, states[len(states)-1].Clone())
		}
		state := states[len(states)-1]
		pod, err := upstream.NewPodInfo(step.pod)
		if err != nil {
			continue // Neither side would have such a pod on a node with its terms.
		}
		change := extensions.AddPod
		if step.remove {
			change = extensions.RemovePod
		}
		if status := change(t.Context(), state, w.pod, pod, info); !status.IsSuccess() {
			t.Fatal(status.AsError())
		}
		verdicts = append(verdicts, s.filter(t, w, state))
	}
	for _, state := range states {
		verdicts = append(verdicts, s.filter(t, w, state))
	}
	return verdicts
}

// TestPodHintsAgreeWithUpstream tells the plugins of everything that can happen to a pod or a node.
func TestPodHintsAgreeWithUpstream(t *testing.T) {
	for _, pair := range podPairs {
		t.Run(pair.name, func(t *testing.T) {
			seen := map[string]int{}
			for seed := *first; seed < *first+uint64(*cases)/10; seed++ {
				w := newWorld(seed)
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

func (w *world) allHints(t *testing.T, plugin fwk.Plugin) map[string]string {
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
