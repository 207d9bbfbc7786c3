package plugins_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	schedulingv1alpha3 "k8s.io/api/scheduling/v1alpha3"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	kubefeatures "k8s.io/kubernetes/pkg/features"
	upstreamcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
	upstreamdefaultpreemption "k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	upstreampreemption "k8s.io/kubernetes/pkg/scheduler/framework/preemption"
	upstreammetrics "k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// preemptedFor is what comes of preemption for a group.
type preemptedFor struct {
	Verdict     verdict
	Message     string
	Victims     []string
	Nominations map[string]string
}

// TestPluginsAgreeWithUpstreamOnVictimsForGroups places the pods of a group by a rule of the test's own, the same on both
// sides: preemption asks for places once, and has to find out who can stay.
func TestPluginsAgreeWithUpstreamOnVictimsForGroups(t *testing.T) {
	upstreammetrics.InitMetrics()
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, kubefeatures.GenericWorkload, true)
	seen := map[string]int{}
	try := func(t *testing.T, seed uint64) {
		w := newGroupedCluster(seed)
		want, got := w.theirs(t), w.ours(t)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: upstream (-) and ours (+) differ:\n%s", seed, diff)
		}
		w.count(seen, got)
	}
	for name, seed := range map[string]uint64{
		"a member that does not preempt is not the first": 24,
		"a running pod names a group that is not there":   134,
	} {
		t.Run(name, func(t *testing.T) { try(t, seed) })
	}
	for seed := *first; seed < *first+slowCases(); seed++ {
		try(t, seed)
	}
	for _, what := range []string{
		"several victims", "a whole group goes", "a group loses one pod", "a budget", "several nominations",
		"ongoing preemption on nominated nodes", "No preemption victims found", "preemptionPolicy=Never", "no room even then",
	} {
		t.Logf("%d of %d clusters show %q", seen[what], slowCases(), what)
		if uint64(seen[what]) < slowCases()/200 {
			t.Errorf("only %d of %d clusters show %q", seen[what], slowCases(), what)
		}
	}
}

// groupedCluster is a full cluster in which pods run in groups, and a group is to be scheduled.
type groupedCluster struct {
	*cluster
	groups   []*schedulingv1beta1.PodGroup
	incoming *incomingGroup
}

func newGroupedCluster(seed uint64) *groupedCluster {
	w := &groupedCluster{cluster: newFullCluster(seed)}
	// A pod that falls under several budgets takes from them up to the first that is used up, and a lister has them in any
	// order.
	one := map[string]runtime.Object{}
	for _, budget := range w.budgets() {
		one[budget.Namespace] = budget
	}
	w.objects = slices.Collect(maps.Values(one))
	for i := range w.IntN(4) {
		group := &schedulingv1beta1.PodGroup{ObjectMeta: metav1.ObjectMeta{
			Namespace: pick(w.cluster, "red", "blue"), Name: fmt.Sprintf("running-%d", i), UID: types.UID(fmt.Sprintf("group-%d", i)),
		}}
		group.Spec.Priority = pick(w.cluster, nil, ptr.To[int32](0), ptr.To[int32](3), ptr.To[int32](50))
		group.Spec.DisruptionMode = pick(w.cluster, nil, &schedulingv1beta1.DisruptionMode{Single: &schedulingv1beta1.SingleDisruptionMode{}},
			&schedulingv1beta1.DisruptionMode{All: &schedulingv1beta1.AllDisruptionMode{}},
			&schedulingv1beta1.DisruptionMode{All: &schedulingv1beta1.AllDisruptionMode{}})
		w.groups = append(w.groups, group)
	}
	for i, pod := range w.running {
		// None is as important as another, because upstream takes those in any order.
		pod.Status.StartTime = ptr.To(metav1.NewTime(time.Date(2026, 1, 1, 0, w.IntN(100), i, 0, time.UTC)))
		pod.DeletionTimestamp, pod.Status.Conditions = nil, nil
		if w.chance(50) {
			pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: ptr.To(fmt.Sprintf("running-%d", w.IntN(4)))}
		}
	}
	w.receive()
	return w
}

// receive makes the group that is to be scheduled.
func (w *groupedCluster) receive() {
	object := &schedulingv1beta1.PodGroup{ObjectMeta: metav1.ObjectMeta{Namespace: "red", Name: "incoming", UID: "incoming"}}
	object.Spec.Priority = pick(w.cluster, nil, ptr.To[int32](5), ptr.To[int32](100), ptr.To[int32](2000000000))
	w.groups = append(w.groups, object)
	w.incoming = &incomingGroup{object: object}
	never := w.chance(8)
	for i := range 1 + w.IntN(4) {
		pod := w.preemptible(fmt.Sprintf("incoming-%d", i))
		pod.Namespace, pod.Status.StartTime, pod.Spec.Priority = "red", nil, object.Spec.Priority
		pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &object.Name}
		if never && w.chance(60) {
			pod.Spec.PreemptionPolicy = ptr.To(corev1.PreemptNever)
		}
		w.incoming.pods = append(w.incoming.pods, pod)
	}
	w.incoming.least = 1 + w.IntN(len(w.incoming.pods))
	w.pod = w.incoming.pods[0]
	if len(w.running) > 0 && w.chance(15) {
		going := w.running[w.IntN(len(w.running))]
		going.DeletionTimestamp = ptr.To(metav1.NewTime(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)))
		going.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler,
		}}
		w.incoming.pods[w.IntN(len(w.incoming.pods))].Status.NominatedNodeName = going.Spec.NodeName
	}
}

// incomingGroup is a group to be scheduled, of which at least some pods have to be.
type incomingGroup struct {
	object *schedulingv1beta1.PodGroup
	pods   []*corev1.Pod
	least  int
}

var _ fwk.PodGroupInfo = &incomingGroup{}

func (g *incomingGroup) GetUnscheduledPods() []*corev1.Pod { return g.pods }
func (g *incomingGroup) GetName() string                   { return g.object.Name }
func (g *incomingGroup) GetNamespace() string              { return g.object.Namespace }
func (g *incomingGroup) GetType() fwk.EntityKeyType        { return fwk.PodGroupKeyType }
func (g *incomingGroup) GetKey() string {
	return fwk.PodGroupKey(g.object.Namespace, g.object.Name).String()
}
func (g *incomingGroup) GetPodGroup() *schedulingv1beta1.PodGroup { return g.object }
func (g *incomingGroup) GetChildren() []fwk.PodGroupInfo          { return nil }
func (g *incomingGroup) GetCompositePodGroup() *schedulingv1alpha3.CompositePodGroup {
	return nil
}

// placer places the group's pods, each on the first node where it fits.
type placer struct {
	*groupedCluster
	handle interface {
		fwk.Handle
		RunPreFilterPlugins(context.Context, fwk.CycleState, *corev1.Pod) (*fwk.PreFilterResult, *fwk.Status, sets.Set[string])
	}
	state func() fwk.CycleState
	info  func(*corev1.Pod) (fwk.PodInfo, error)
}

type place struct {
	fwk.PodInfo
	node  string
	state fwk.CycleState
}

var _ fwk.ProposedAssignment = place{}

func (p place) GetPodInfo() fwk.PodInfo       { return p.PodInfo }
func (p place) GetNodeName() string           { return p.node }
func (p place) GetCycleState() fwk.CycleState { return p.state }

func (p *placer) schedule(ctx context.Context) (*fwk.PodGroupAssignments, *fwk.Status) {
	snapshot := p.handle.MutableSnapshotSharedLister()
	result := &fwk.PodGroupAssignments{}
	var placed []place
	for _, pod := range p.incoming.pods {
		info, err := p.info(pod)
		if err != nil {
			return nil, fwk.AsStatus(err)
		}
		proposed := place{PodInfo: info, state: p.state()}
		if proposed.node, err = p.first(ctx, proposed); err != nil {
			return nil, fwk.AsStatus(err)
		}
		result.ProposedAssignments = append(result.ProposedAssignments, proposed)
		if proposed.node == "" {
			continue
		}
		if err := snapshot.AddPod(info, proposed.node); err != nil {
			return nil, fwk.AsStatus(err)
		}
		placed = append(placed, proposed)
	}
	for _, each := range slices.Backward(placed) {
		if err := snapshot.RemovePod(klog.FromContext(ctx), each.GetPod(), each.node); err != nil {
			return nil, fwk.AsStatus(err)
		}
	}
	if len(placed) < p.incoming.least {
		return nil, fwk.NewStatus(fwk.Unschedulable, "no room even then")
	}
	return result, nil
}

func (p *placer) first(ctx context.Context, of place) (string, error) {
	if _, status, _ := p.handle.RunPreFilterPlugins(ctx, of.state, of.GetPod()); !status.IsSuccess() {
		return "", status.AsError()
	}
	for _, node := range p.nodes {
		info, err := p.handle.MutableSnapshotSharedLister().NodeInfos().Get(node.Name)
		if err != nil {
			return "", err
		}
		if p.handle.RunFilterPluginsWithNominatedPods(ctx, of.state, of.GetPod(), info).IsSuccess() {
			return node.Name, nil
		}
	}
	return "", nil
}

// evictions are the pods that were to be evicted; nothing happens to them.
type evictions struct {
	onlyPod
	pods chan string
}

func (e evictions) Evict(_ context.Context, pod *corev1.Pod, _ corev1.PodCondition) (bool, error) {
	e.pods <- pod.Name
	return false, nil
}

func (w *groupedCluster) ours(t *testing.T) preemptedFor {
	t.Helper()
	c, snapshot := cache.New(0), &cache.Snapshot{}
	c.Groups().Serve()
	for _, group := range w.groups {
		c.Groups().SetGroup(group)
	}
	for _, pod := range w.running {
		if err := c.AddPod(pod); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range w.nodes {
		c.AddNode(node)
	}
	c.Update(snapshot)
	evicted := evictions{onlyPod{w.pod}, make(chan string, len(w.running))}
	plugin, f := w.ourPlugin(t, evicted, snapshot, nominees{}, 1, 100)
	place := &placer{
		w, f, func() fwk.CycleState { return framework.NewCycleState(false) },
		func(pod *corev1.Pod) (fwk.PodInfo, error) { return nodeinfo.NewPodInfo(pod) },
	}
	result := outcomeOf(plugin.PodGroupPostFilter(t.Context(), nil, w.incoming, place.schedule))
	for range result.expected() {
		select {
		case name := <-evicted.pods:
			result.Victims = append(result.Victims, name)
		case <-time.After(time.Minute):
			t.Fatalf("only %v were evicted: %s", result.Victims, result.Message)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(result.Victims)
	return result
}

func (w *groupedCluster) theirs(t *testing.T) preemptedFor {
	t.Helper()
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), klog.Logger{}))
	defer cancel()
	snapshot := upstreamcache.NewTestSnapshotWithPodGroups(w.running, w.nodes, w.groups)
	var plugin *upstreamdefaultpreemption.DefaultPreemption
	f := w.theirFramework(ctx, t, snapshot, nominees{}, 1, 100, &plugin)
	var mutex sync.Mutex
	var victims []string
	plugin.Executor.PreemptPod = func(_ context.Context, _ upstreampreemption.Candidate, _ upstreampreemption.ExecutorPreemptor, victim *corev1.Pod, _ string) (bool, error) {
		mutex.Lock()
		defer mutex.Unlock()
		victims = append(victims, victim.Name)
		return false, nil
	}
	place := &placer{
		w, f, func() fwk.CycleState { return upstream.NewCycleState() },
		func(pod *corev1.Pod) (fwk.PodInfo, error) { return upstream.NewPodInfo(pod) },
	}
	result := outcomeOf(plugin.PodGroupPostFilter(ctx, nil, w.incoming, place.schedule))
	slices.Sort(victims)
	result.Victims = victims
	return result
}

func outcomeOf(answer *fwk.PodGroupPostFilterResult, status *fwk.Status) preemptedFor {
	result := preemptedFor{Verdict: verdictOf(status), Nominations: map[string]string{}}
	if !status.IsError() {
		result.Message = status.Message()
	}
	if answer != nil {
		for pod, nominating := range answer.NominatingInfos {
			result.Nominations[pod.Name] = nominating.NominatedNodeName
		}
	}
	return result
}

// expected is how many victims there are by the message.
func (p preemptedFor) expected() int {
	var victims int
	if _, err := fmt.Sscanf(p.Message, "pod group preemption: found a placement for podgroup, preempting %d victims", &victims); err != nil {
		return 0
	}
	return victims
}

func (w *groupedCluster) count(seen map[string]int, p preemptedFor) {
	note := func(what string, is bool) {
		if is {
			seen[what]++
		}
	}
	note("several victims", len(p.Victims) > 1)
	note("several nominations", len(p.Victims) > 0 && len(p.Nominations) > 1)
	note("a budget", len(p.Victims) > 0 && len(w.objects) > 0)
	for _, what := range []string{
		"ongoing preemption on nominated nodes", "No preemption victims found", "preemptionPolicy=Never", "no room even then",
	} {
		note(what, strings.Contains(p.Message, what))
	}
	for _, group := range w.groups {
		going, staying := 0, 0
		for _, pod := range w.running {
			if pod.Namespace != group.Namespace || pod.Spec.SchedulingGroup == nil || *pod.Spec.SchedulingGroup.PodGroupName != group.Name {
				continue
			}
			if slices.Contains(p.Victims, pod.Name) {
				going++
			} else {
				staying++
			}
		}
		note("a whole group goes", going > 1 && staying == 0)
		note("a group loses one pod", going == 1 && staying > 0)
	}
}
