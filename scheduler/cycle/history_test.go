package cycle

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/equivalence"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/plugins/imagelocality"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeaffinity"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodename"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeports"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesbalancedallocation"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesfit"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeunschedulable"
	"github.com/orrery-dev/orrery/scheduler/plugins/tainttoleration"
	"github.com/orrery-dev/orrery/scheduler/queue"
)

var (
	steps = flag.Int("history.steps", 3000, "changes of the cluster, after each of which decisions are compared")
	seed  = flag.Uint64("history.seed", 1, "seed of the first history; a failure names its seed")
)

const (
	// stepsOfAHistory are as many as let a class see much, and a failure be read.
	stepsOfAHistory = 150
	// kindsAStep are compared after each step; the others' classes fall behind.
	kindsAStep = 4
)

// TestDecisionsByTablesAreThoseOfKubeScheduler drives a cluster through random histories, and holds after each step that
// pods of several kinds may go to the same nodes with the same totals, or are refused in the same words, as when
// kube-scheduler's plugins look at the same cluster for the first time.
func TestDecisionsByTablesAreThoseOfKubeScheduler(t *testing.T) {
	seen := map[string]int{}
	for done, next := 0, *seed; done < *steps; done, next = done+stepsOfAHistory, next+1 {
		h := newHistory(t, next)
		for range stepsOfAHistory {
			h.change()
			for _, i := range h.Perm(len(podKinds))[:kindsAStep] {
				kind := podKinds[i]
				if err := h.compare(t.Context(), kind, seen); err != nil {
					t.Fatalf("seed %d, pod %q: %v\nafter:\n%s", next, kind.name, err, strings.Join(h.log, "\n"))
				}
			}
		}
	}
	t.Log(seen)
	for _, kind := range []string{"class", "class beside others", "class and others at once", "no class", "one node", "nowhere", "nowhere by class", "a tie", "with nominated pods"} {
		if seen[kind] < *steps/100 {
			t.Errorf("the histories have %d decisions of the kind %q, which is too few to mean something", seen[kind], kind)
		}
	}
}

// history is a cluster that changes, a cycle that decides on it, and the reference.
type history struct {
	*rand.Rand
	Cycle
	profile   *framework.Framework
	reference *reference
	nodes     map[string]*corev1.Node
	pods      map[string]*corev1.Pod
	pending   int
	log       []string
}

// The plugins of both sides, in the order in which they run. Those that are not local are kube-scheduler's in some
// histories, as they are, and in the others ours, which answer for all nodes at once.
var (
	localNames = []string{
		nodeunschedulable.Name, nodename.Name, tainttoleration.Name, nodeaffinity.Name, nodeports.Name,
		noderesourcesfit.Name, noderesourcesbalancedallocation.Name, imagelocality.Name,
	}
	otherNames = []string{"PodTopologySpread", "InterPodAffinity"}
	edgeNames  = []string{"PrioritySort", "DefaultBinder"}
	weights    = map[string]int32{tainttoleration.Name: 3, nodeaffinity.Name: 2, "PodTopologySpread": 2, "InterPodAffinity": 2}
)

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{Rand: rand.New(rand.NewPCG(seed, 2)), nodes: map[string]*corev1.Node{}, pods: map[string]*corev1.Pod{}}
	own := h.IntN(3) > 0
	names := slices.Concat(edgeNames, localNames, otherNames)
	if h.IntN(3) == 0 { // Others come first and have the first word in refusals.
		names = slices.Concat(edgeNames, otherNames, localNames)
	}
	factory := informers.NewSharedInformerFactory(fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}), 0)
	snapshot, nominator := &cache.Snapshot{}, queue.NewNominator(nil)
	profile := framework.Profile{
		SchedulerName: corev1.DefaultSchedulerName,
		Plugins:       &configv1.Plugins{MultiPoint: configv1.PluginSet{Enabled: enabledPlugins(names, weights)}},
		Args:          args(own),
	}
	var err error
	env := framework.Environment{Snapshot: snapshot, Nominator: nominator, Informers: factory}
	if h.profile, err = framework.New(t.Context(), registry(own), profile, env); err != nil {
		t.Fatal(err)
	}
	pending, err := queue.New(queue.Options{Nominator: nominator, Less: h.profile.Less})
	if err != nil {
		t.Fatal(err)
	}
	h.profile.SetPodActivator(pending)
	h.reference = newReference(t, weights, names, pending, factory)
	h.Cycle = Cycle{
		Queue: pending, Cache: cache.New(0), Snapshot: snapshot, History: explain.NewHistory(0), Clock: clock.RealClock{}, Random: h.IntN,
		// Some classes are dropped again and again.
		PercentageOfNodesToScore: 100, Classes: equivalence.New([]int{0, 0, 12000}[h.IntN(3)]),
	}
	for len(h.nodes) < 6 {
		h.addNode()
	}
	return h
}

func (h *history) attempt(pod *corev1.Pod) *attempt {
	info, _ := nodeinfo.NewPodInfo(pod)
	return &attempt{entry: &queue.Entry{PodInfo: info}, profile: h.profile, state: framework.NewCycleState(h.IntN(10) == 0), start: h.Clock.Now()}
}

// compare decides on a pod both ways.
func (h *history) compare(ctx context.Context, kind kind, seen map[string]int) error {
	pod := h.newPod(kind)
	want, err := h.reference.decide(ctx, pod, slices.Collect(maps.Values(h.nodes)), slices.Collect(maps.Values(h.pods)))
	if err != nil {
		return fmt.Errorf("deciding by kube-scheduler's plugins: %w", err)
	}
	a := h.attempt(pod)
	node, failure := h.decide(ctx, a)
	got, err := h.verdict(ctx, a, node, failure, want)
	if err != nil {
		return err
	}
	h.count(a, want, seen)
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("verdicts (-kube-scheduler +ours):\n%s", diff)
	}
	return nil
}

// verdict puts our decision into the form of the reference. Where the tournament decided, it names all winners and all
// totals; otherwise the best totals are in the record.
func (h *history) verdict(ctx context.Context, a *attempt, node string, failure *failure, want verdict) (verdict, error) {
	if failure != nil {
		v := verdict{Message: failure.status.Message()}
		var fit *framework.FitError
		if !errors.As(failure.status.AsError(), &fit) {
			return v, fmt.Errorf("deciding: %w", failure.status.AsError())
		}
		v.Blamed = sets.List(fit.Diagnosis.UnschedulablePlugins)
		return v, nil
	}
	if a.record.Feasible == 1 {
		return verdict{Best: []string{node}}, nil
	}
	if !slices.Contains(want.Best, node) {
		return verdict{}, fmt.Errorf("%s was chosen, which is not among the best: %v", node, want.Best)
	}
	var v verdict
	if best, all := bestOfAll(ctx, a, len(h.nodes)); all {
		for _, score := range best {
			v.Totals = append(v.Totals, score.Total)
			if score.Total == v.Totals[0] {
				v.Best = append(v.Best, h.Snapshot.Names().ByNumber[score.Number])
			}
		}
		slices.Sort(v.Best)
		return v, nil
	}
	for _, best := range a.record.Best {
		v.Totals = append(v.Totals, best.Total)
	}
	v.Totals = append(v.Totals, want.Totals[min(len(v.Totals), len(want.Totals)):]...) // The record has the best few.
	v.Best = want.Best
	return v, nil
}

// bestOfAll returns the scores of all nodes that fit, where a class knows them.
func bestOfAll(ctx context.Context, a *attempt, nodes int) ([]equivalence.Score, bool) {
	f, byClass := a.finder.(*classFinder)
	switch {
	case !byClass || !f.decides:
		return nil, false
	case f.scan != nil:
		return f.scan.Best(ctx, nodes), true
	case !a.profile.HasOtherScorers(a.state):
		return f.Best(ctx, f.attempt, nodes), true
	}
	return nil, false
}

func (h *history) count(a *attempt, want verdict, seen map[string]int) {
	f, hasClass := a.finder.(*classFinder)
	byClass := hasClass && f.decides
	switch {
	case byClass && f.scan != nil:
		seen["class and others at once"]++
	case hasClass && !byClass, byClass && a.profile.HasOtherScorers(a.state):
		seen["class beside others"]++
	case byClass:
		seen["class"]++
	default:
		seen["no class"]++
	}
	switch {
	case want.Message != "":
		seen["nowhere"]++
		if byClass {
			seen["nowhere by class"]++
		}
	case len(want.Totals) == 0:
		seen["one node"]++
	case len(want.Best) > 1:
		seen["a tie"]++
	}
	for node := range h.nodes {
		if len(h.Queue.NominatedPodsForNode(node)) > 0 {
			seen["with nominated pods"]++
			break
		}
	}
}
