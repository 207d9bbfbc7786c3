package plugins_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	kubefeatures "k8s.io/kubernetes/pkg/features"
	upstreamcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	upstreamgang "k8s.io/kubernetes/pkg/scheduler/framework/plugins/gangscheduling"
	upstreamcount "k8s.io/kubernetes/pkg/scheduler/framework/plugins/podgrouppodscount"
	upstreamtopology "k8s.io/kubernetes/pkg/scheduler/framework/plugins/topologyaware"
	upstreammetrics "k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/plugins/gangscheduling"
	"github.com/orrery-dev/orrery/scheduler/plugins/podgrouppodscount"
	"github.com/orrery-dev/orrery/scheduler/plugins/topologyplacementgenerator"
)

// groupHandle is what the plugins for pod groups use of a Handle, with a note of what they did.
type groupHandle struct {
	handle
	groups    fwk.PodGroupManager
	activated sets.Set[string]
	allowed   sets.Set[string]
}

func (h *groupHandle) PodGroupManager() fwk.PodGroupManager { return h.groups }

func (h *groupHandle) Activate(_ klog.Logger, pods map[string]*corev1.Pod) {
	h.activated = h.activated.Union(sets.KeySet(pods))
}

func (h *groupHandle) IterateOverWaitingPods(visit func(fwk.WaitingPod)) { visit(h.GetWaitingPod("")) }

func (h *groupHandle) GetWaitingPod(uid types.UID) fwk.WaitingPod {
	return allowing{allowed: h.allowed, pod: string(uid)}
}

// allowing is a waiting pod that notes when it is allowed.
type allowing struct {
	fwk.WaitingPod
	allowed sets.Set[string]
	pod     string
}

func (a allowing) Allow(string) { a.allowed.Insert(a.pod) }

// groupCluster is a random cluster with pod groups, in our cache and in kube-scheduler's.
type groupCluster struct {
	*cluster
	ours          *cache.Cache
	theirs        upstreamcache.Cache
	ourSnapshot   *cache.Snapshot
	theirSnapshot *upstreamcache.Snapshot
	groups        map[string]*schedulingv1beta1.PodGroup
	pods          map[string]*corev1.Pod // as the API server has them
	assumed       sets.Set[string]
}

func newGroupCluster(t *testing.T, seed uint64) *groupCluster {
	w := &groupCluster{
		cluster: newCluster(seed), ours: cache.New(0), theirs: upstreamcache.New(t.Context(), nil, true, false),
		groups: map[string]*schedulingv1beta1.PodGroup{}, pods: map[string]*corev1.Pod{}, assumed: sets.New[string](),
		ourSnapshot: &cache.Snapshot{}, theirSnapshot: upstreamcache.NewEmptySnapshot(),
	}
	w.ours.Groups().Serve()
	for i := range 4 {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i), Labels: map[string]string{}}}
		if w.chance(85) {
			node.Labels["rack"] = pick(w.cluster, "a", "b")
		}
		w.ours.AddNode(node)
		w.theirs.AddNode(klog.Background(), node)
	}
	for range 5 + w.IntN(40) {
		w.step(t)
	}
	w.ours.Update(w.ourSnapshot)
	if err := w.theirs.UpdateSnapshot(klog.Background(), w.theirSnapshot); err != nil {
		t.Fatal(err)
	}
	for range w.IntN(3) { // The snapshot shows what was, and is not what is now.
		w.step(t)
	}
	return w
}

func (w *groupCluster) newGroup(name string) *schedulingv1beta1.PodGroup {
	group := &schedulingv1beta1.PodGroup{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	if w.chance(80) {
		group.Spec.SchedulingPolicy.Gang = &schedulingv1beta1.GangSchedulingPolicy{MinCount: 1 + w.Int32N(4)}
	} else {
		group.Spec.SchedulingPolicy.Basic = &schedulingv1beta1.BasicSchedulingPolicy{}
	}
	if w.chance(50) {
		group.Spec.SchedulingConstraints = &schedulingv1beta1.PodGroupSchedulingConstraints{
			Topology: []schedulingv1beta1.TopologyConstraint{{Key: "rack"}},
		}
	}
	return group
}

// step is one event in the life of a group or a pod.
func (w *groupCluster) step(t *testing.T) {
	t.Helper()
	logger := klog.Background()
	if w.chance(20) {
		w.stepGroup(fmt.Sprintf("group-%d", w.IntN(3)))
		return
	}
	name := fmt.Sprintf("pod-%d", w.IntN(8))
	pod, node := w.pods[name], fmt.Sprintf("node-%d", w.IntN(4))
	var errs []error
	switch {
	case pod == nil:
		pod = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
		if w.chance(90) {
			group := fmt.Sprintf("group-%d", w.IntN(3))
			pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group}
		}
		w.ours.Groups().SetPod(pod)
		w.theirs.AddPodGroupMember(pod)
		w.pods[name] = pod
	case pod.Spec.NodeName != "":
		if w.chance(30) {
			_, err := w.ours.RemovePod(pod.UID)
			errs = append(errs, err, w.theirs.RemovePod(logger, pod))
			delete(w.pods, name)
		}
	case w.assumed.Has(name):
		placed, _ := w.ours.Pod(pod.UID)
		w.assumed.Delete(name)
		if w.chance(50) {
			errs = append(errs, w.ours.Forget(pod.UID), w.theirs.ForgetPod(logger, placed))
			break
		}
		w.pods[name] = placed
		errs = append(errs, w.ours.AddPod(placed), w.theirs.AddPod(logger, placed))
	case w.chance(20):
		w.ours.Groups().RemovePod(pod)
		w.theirs.RemovePodGroupMember(pod)
		delete(w.pods, name)
	default:
		placed := pod.DeepCopy()
		placed.Spec.NodeName = node
		info, _ := nodeinfo.NewPodInfo(placed)
		errs = append(errs, w.ours.Assume(info), w.theirs.AssumePod(logger, placed))
		w.assumed.Insert(name)
	}
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (w *groupCluster) stepGroup(name string) {
	old := w.groups[name]
	if old != nil && w.chance(30) {
		delete(w.groups, name)
		w.ours.Groups().RemoveGroup("default", name)
		w.theirs.RemovePodGroup(klog.Background(), old)
		return
	}
	group := w.newGroup(name)
	w.groups[name] = group
	w.ours.Groups().SetGroup(group)
	if old == nil {
		w.theirs.AddPodGroup(group)
	} else {
		w.theirs.UpdatePodGroup(klog.Background(), old, group)
	}
}

// told is a status in a form that can be compared. That something is not known is said in each one's own words.
func told(status *fwk.Status) string {
	if status.IsError() {
		return "Error"
	}
	return fmt.Sprintf("%s %q", status.Code(), status.Message())
}

func uids(set sets.Set[types.UID]) []types.UID { return sets.List(set) }

func described(state fwk.PodGroupState, err error) string {
	if err != nil {
		return "unknown"
	}
	var scheduled []string
	for _, pod := range state.ScheduledPods() {
		scheduled = append(scheduled, pod.Name+" on "+pod.Spec.NodeName)
	}
	slices.Sort(scheduled)
	return fmt.Sprint(uids(state.AllPods()), state.AllPodsCount(), slices.Sorted(maps.Keys(state.UnscheduledPods())),
		uids(state.AssumedPods()), uids(state.AssignedPods()), scheduled, state.ScheduledPodsCount())
}

type groupInfo struct {
	fwk.PodGroupInfo
	group *schedulingv1beta1.PodGroup
}

func (g groupInfo) GetPodGroup() *schedulingv1beta1.PodGroup { return g.group }
func (g groupInfo) GetName() string                          { return g.group.Name }
func (g groupInfo) GetNamespace() string                     { return g.group.Namespace }
func (g groupInfo) GetType() fwk.EntityKeyType               { return fwk.PodGroupKeyType }
func (g groupInfo) GetKey() string {
	return fwk.PodGroupKey(g.group.Namespace, g.group.Name).String()
}

// opinions are what the plugins of one side say of a cluster.
type opinions struct {
	gang interface {
		fwk.PreEnqueuePlugin
		fwk.PermitPlugin
		fwk.EnqueueExtensions
	}
	feasible func(group fwk.PodGroupInfo, scheduled, remaining int) *fwk.Status
	topology fwk.PlacementGeneratePlugin
	count    fwk.PlacementScorePlugin
	handle   *groupHandle
	snapshot fwk.SharedLister
	live     fwk.PodGroupManager
}

func (w *groupCluster) sides(t *testing.T) [2]opinions {
	t.Helper()
	own := feature.Features{}
	ours := &groupHandle{handle: handle{snapshot: w.ourSnapshot}, groups: w.ours.Groups(), activated: sets.New[string](), allowed: sets.New[string]()}
	theirs := &groupHandle{handle: handle{snapshot: w.theirSnapshot}, groups: w.theirs, activated: sets.New[string](), allowed: sets.New[string]()}
	built := func(plugin fwk.Plugin, err error) fwk.Plugin {
		if err != nil {
			t.Fatal(err)
		}
		return plugin
	}
	ourGang := built(gangscheduling.New(t.Context(), nil, ours)).(*gangscheduling.Plugin)
	theirGang := built(upstreamgang.New(t.Context(), nil, theirs, own)).(*upstreamgang.GangScheduling)
	return [2]opinions{{
		gang: ourGang, handle: ours, snapshot: w.ourSnapshot, live: w.ours.Groups(),
		feasible: func(group fwk.PodGroupInfo, scheduled, remaining int) *fwk.Status {
			return ourGang.PlacementFeasible(t.Context(), nil, group, framework.PlacementProgress{Scheduled: scheduled, Remaining: remaining})
		},
		topology: built(topologyplacementgenerator.New(t.Context(), nil, ours)).(fwk.PlacementGeneratePlugin),
		count:    built(podgrouppodscount.New(t.Context(), nil, ours)).(fwk.PlacementScorePlugin),
	}, {
		gang: theirGang, handle: theirs, snapshot: w.theirSnapshot, live: w.theirs,
		feasible: func(group fwk.PodGroupInfo, scheduled, remaining int) *fwk.Status {
			return theirGang.PlacementFeasible(t.Context(), nil, group, upstream.PlacementProgress{Scheduled: scheduled, Remaining: remaining})
		},
		topology: built(upstreamtopology.New(t.Context(), nil, theirs, own)).(fwk.PlacementGeneratePlugin),
		count:    built(upstreamcount.New(t.Context(), nil, theirs, own)).(fwk.PlacementScorePlugin),
	}}
}

// hear returns all that one side says, line by line.
func (w *groupCluster) hear(t *testing.T, o opinions, changed *schedulingv1beta1.PodGroup) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	events, err := o.gang.EventsToRegister(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(w.pods)) {
		pod := w.pods[name]
		say("PreEnqueue %s: %s", name, told(o.gang.PreEnqueue(t.Context(), pod)))
		o.handle.activated, o.handle.allowed = sets.New[string](), sets.New[string]()
		status, wait := o.gang.Permit(t.Context(), nil, pod, "node-0")
		say("Permit %s: %s %v activated %v allowed %v", name, told(status), wait.Round(time.Second), sets.List(o.handle.activated), sets.List(o.handle.allowed))
		for _, event := range events {
			old, new := any(nil), any(pod)
			if event.Event.Resource == fwk.PodGroup {
				old, new = any(w.groups[changed.Name]), any(changed)
				if w.groups[changed.Name] == nil {
					continue
				}
			}
			for _, other := range w.pods {
				hint, err := event.QueueingHintFn(klog.Background(), other, old, new)
				say("Hint %s %s for %s: %v %v", event.Event.Label(), name, other.Name, hint, err)
			}
		}
	}
	slices.Sort(lines)
	nodes, err := o.snapshot.NodeInfos().List()
	if err != nil {
		t.Fatal(err)
	}
	nodes = slices.SortedFunc(slices.Values(nodes), func(a, b fwk.NodeInfo) int { return cmpNames(a, b) })
	for i := range 3 {
		name := fmt.Sprintf("group-%d", i)
		say("%s is %s", name, described(o.live.PodGroupStates().Get("default", name)))
		say("%s was %s", name, described(o.snapshot.PodGroupStates().Get("default", name)))
		group := w.groups[name]
		if group == nil {
			continue
		}
		info := groupInfo{group: group}
		for scheduled := range 5 {
			for remaining := range 5 {
				say("PlacementFeasible %s %d %d: %s", name, scheduled, remaining, told(o.feasible(info, scheduled, remaining)))
			}
		}
		result, status := o.topology.GeneratePlacements(t.Context(), nil, info, &fwk.Placement{Name: "all", Nodes: nodes})
		say("GeneratePlacements %s: %s", name, told(status))
		var scores []fwk.PlacementScore
		if result != nil {
			slices.SortFunc(result.Placements, func(a, b *fwk.Placement) int { return len(a.Name) - len(b.Name) + int(a.Name[0]) - int(b.Name[0]) })
			for n, placement := range result.Placements {
				proposed := make([]fwk.ProposedAssignment, n*2)
				score, status := o.count.ScorePlacement(t.Context(), nil, info, &fwk.PodGroupAssignments{Placement: placement, ProposedAssignments: proposed})
				say("ScorePlacement %s %s %v: %d %s", name, placement.Name, nodeNames(placement), score, told(status))
				scores = append(scores, fwk.PlacementScore{Placement: placement, Score: score})
			}
		}
		status = o.count.PlacementScoreExtensions().NormalizePlacementScore(t.Context(), nil, info, scores)
		for _, score := range scores {
			say("NormalizePlacementScore %s %s: %d %s", name, score.Placement.Name, score.Score, told(status))
		}
	}
	return lines
}

func cmpNames(a, b fwk.NodeInfo) int {
	if a.Node().Name < b.Node().Name {
		return -1
	}
	return 1
}

func nodeNames(placement *fwk.Placement) (names []string) {
	for _, node := range placement.Nodes {
		names = append(names, node.Node().Name)
	}
	return names
}

func TestPodGroupsAgreeWithUpstream(t *testing.T) {
	upstreammetrics.Register()
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, kubefeatures.GenericWorkload, true)
	for seed := *first; seed < *first+uint64(*cases); seed++ {
		w := newGroupCluster(t, seed)
		changed := w.newGroup(fmt.Sprintf("group-%d", w.IntN(3)))
		sides := w.sides(t)
		ours, theirs := w.hear(t, sides[0], changed), w.hear(t, sides[1], changed)
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Fatalf("seed %d: kube-scheduler says (-), we say (+):\n%s", seed, diff)
		}
	}
}
