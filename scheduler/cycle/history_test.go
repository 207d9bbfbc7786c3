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
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	upstreamplugins "k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/cache"
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
	"github.com/orrery-dev/orrery/scheduler/shapes"
)

var (
	steps = flag.Int("history.steps", 3000, "changes of the cluster, after each of which decisions are compared")
	seed  = flag.Uint64("history.seed", 1, "seed of the first history; a failure names its seed")
)

const (
	// stepsOfAHistory are as many as let a table see much, and a failure be read.
	stepsOfAHistory = 150
	// shapesAStep are compared after each step; the others' tables fall behind.
	shapesAStep = 4
)

// TestDecisionsByTablesAreThoseOfKubeScheduler drives a cluster through random histories, and holds after each step that
// pods of several shapes may go to the same nodes with the same totals, or are refused in the same words, as when
// kube-scheduler's plugins look at the same cluster for the first time.
func TestDecisionsByTablesAreThoseOfKubeScheduler(t *testing.T) {
	seen := map[string]int{}
	for done, next := 0, *seed; done < *steps; done, next = done+stepsOfAHistory, next+1 {
		h := newHistory(t, next)
		for range stepsOfAHistory {
			h.change()
			for _, i := range h.Perm(len(shapesOfPods))[:shapesAStep] {
				shape := shapesOfPods[i]
				if err := h.compare(t.Context(), shape, seen); err != nil {
					t.Fatalf("seed %d, pod %q: %v\nafter:\n%s", next, shape.name, err, strings.Join(h.log, "\n"))
				}
			}
		}
	}
	t.Log(seen)
	for _, kind := range []string{"table", "table beside others", "no table", "one node", "nowhere", "nowhere by table", "a tie", "with nominated pods"} {
		if seen[kind] < *steps/100 {
			t.Errorf("the histories have %d decisions of the kind %q, which is too few to mean something", seen[kind], kind)
		}
	}
}

// shape is a kind of pods.
type shape struct {
	name  string
	dress func(*corev1.Pod)
}

var zoneA = []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
	{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"a"}},
}}}

var shapesOfPods = []shape{
	{"small", func(pod *corev1.Pod) { request(pod, "500m", "256Mi") }},
	{"without requests", func(*corev1.Pod) {}},
	{"without requests, two containers", func(pod *corev1.Pod) {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "b", Image: "web"})
	}},
	{"large, important", func(pod *corev1.Pod) { request(pod, "3", "1Gi"); pod.Spec.Priority = ptr.To[int32](10) }},
	{"too large", func(pod *corev1.Pod) { request(pod, "300", "1Gi") }},
	{"in zone a, rather with a disk, tolerant", func(pod *corev1.Pod) {
		request(pod, "200m", "1Gi")
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: zoneA},
		}}
		pod.Spec.Tolerations = []corev1.Toleration{{Key: "k", Operator: corev1.TolerationOpExists}}
	}},
	{"rather in zone a", func(pod *corev1.Pod) {
		request(pod, "200m", "100Mi")
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 5, Preference: zoneA[0]}, {
				Weight: 3, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disk", Operator: corev1.NodeSelectorOpExists}}},
			}},
		}}
	}},
	{"with a port of the host", func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80, Protocol: corev1.ProtocolTCP}}
	}},
	{"apart from its like", func(pod *corev1.Pod) {
		request(pod, "100m", "100Mi")
		pod.Labels = map[string]string{"app": "apart"}
		pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "apart"}},
			}},
		}}
	}},
	{"kept apart by others", func(pod *corev1.Pod) { pod.Labels = map[string]string{"app": "apart"} }},
	{"spread over zones", func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"app": "spread"}
		selector := &metav1.LabelSelector{MatchLabels: pod.Labels}
		pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{
			{MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: selector},
			{MaxSkew: 3, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: selector},
		}
	}},
	{"on a named node", func(pod *corev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{"node-1"}}},
			}}},
		}}
	}},
}

func request(pod *corev1.Pod, cpu, memory string) {
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
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

// pluginNames are those of both sides, in the order in which they run. kube-scheduler's plugins that are not local run in
// our cycle as well, as they are.
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
	names := slices.Concat(edgeNames, localNames, otherNames)
	if h.IntN(3) == 0 { // Others come first and have the first word in refusals.
		names = slices.Concat(edgeNames, otherNames, localNames)
	}
	factory := informers.NewSharedInformerFactory(fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}), 0)
	snapshot := &cache.Snapshot{}
	profile := framework.Profile{
		SchedulerName: corev1.DefaultSchedulerName,
		Plugins:       &configv1.Plugins{MultiPoint: configv1.PluginSet{Enabled: enabledPlugins(names, weights)}},
		Args:          args(),
	}
	var err error
	if h.profile, err = framework.New(t.Context(), registry(), profile, framework.Environment{Snapshot: snapshot, Informers: factory}); err != nil {
		t.Fatal(err)
	}
	pending, err := queue.New(queue.Options{Less: h.profile.Less})
	if err != nil {
		t.Fatal(err)
	}
	h.profile.Attach(pending, pending)
	h.reference = newReference(t, weights, names, pending, factory)
	h.Cycle = Cycle{
		Queue: pending, Cache: cache.New(0), Snapshot: snapshot, Book: explain.NewBook(0), Clock: clock.RealClock{}, Random: h.IntN,
		// Some tables are dropped again and again.
		PercentageOfNodesToScore: 100, Tables: shapes.New([]int{0, 0, 12000}[h.IntN(3)]),
	}
	for len(h.nodes) < 6 {
		h.addNode()
	}
	return h
}

func args() map[string]runtime.Object {
	both := []configv1.ResourceSpec{{Name: "cpu", Weight: 1}, {Name: "memory", Weight: 1}}
	return map[string]runtime.Object{
		noderesourcesfit.Name: &configv1.NodeResourcesFitArgs{
			ScoringStrategy: &configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: both},
		},
		noderesourcesbalancedallocation.Name: &configv1.NodeResourcesBalancedAllocationArgs{Resources: both},
		"PodTopologySpread":                  &config.PodTopologySpreadArgs{DefaultingType: config.SystemDefaulting},
		"InterPodAffinity":                   &config.InterPodAffinityArgs{HardPodAffinityWeight: 1},
	}
}

func registry() framework.Registry {
	registry := framework.Registry{
		nodename.Name: nodename.New, nodeunschedulable.Name: nodeunschedulable.New, tainttoleration.Name: tainttoleration.New,
		nodeaffinity.Name: nodeaffinity.New, nodeports.Name: nodeports.New, noderesourcesfit.Name: noderesourcesfit.New,
		imagelocality.Name: imagelocality.New, noderesourcesbalancedallocation.Name: noderesourcesbalancedallocation.New,
	}
	for _, name := range slices.Concat(edgeNames, otherNames) {
		registry[name] = upstreamplugins.NewInTreeRegistry()[name]
	}
	return registry
}

// change does one thing to the cluster.
func (h *history) change() {
	changes := []struct {
		name   string
		weight int
		do     func() string
	}{
		{"bind", 30, h.bind}, {"delete", 22, h.delete}, {"nominate", 4, h.nominate}, {"end nominations", 6, h.endNominations},
		{"add node", 3, h.addNode}, {"remove node", 1, h.removeNode}, {"label", 4, h.label}, {"taint", 6, h.taint}, {"cordon", 4, h.cordon},
		{"resize", 4, h.resize}, {"pull image", 3, h.pullImage}, {"try and take back", 5, h.tryAndTakeBack}, {"nothing", 3, func() string { return "" }},
	}
	total := 0
	for _, change := range changes {
		total += change.weight
	}
	at := h.IntN(total)
	for _, change := range changes {
		if at -= change.weight; at < 0 {
			h.log = append(h.log, change.name+" "+change.do())
			return
		}
	}
}

func (h *history) newPod(shape shape) *corev1.Pod {
	h.pending++
	name := fmt.Sprintf("pod-%d", h.pending)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	pod.Spec.SchedulerName = corev1.DefaultSchedulerName
	pod.Spec.Containers = []corev1.Container{{Name: "a", Image: "web"}}
	shape.dress(pod)
	return pod
}

func (h *history) anyNode() *corev1.Node {
	names := slices.Sorted(maps.Keys(h.nodes))
	return h.nodes[names[h.IntN(len(names))]]
}

func (h *history) bind() string {
	shape, node := shapesOfPods[h.IntN(len(shapesOfPods)-1)], h.anyNode()
	if shape.name == "too large" {
		return "nothing"
	}
	pod := h.newPod(shape)
	pod.Spec.NodeName = node.Name
	h.pods[pod.Name] = pod
	if err := h.Cache.AddPod(pod); err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s (%s) to %s", pod.Name, shape.name, node.Name)
}

func (h *history) delete() string {
	if len(h.pods) == 0 {
		return "nothing"
	}
	names := slices.Sorted(maps.Keys(h.pods))
	name := names[h.IntN(len(names))]
	if _, err := h.Cache.RemovePod(types.UID(name)); err != nil {
		panic(err)
	}
	delete(h.pods, name)
	return name
}

func (h *history) nominate() string {
	pod, node := h.newPod(shapesOfPods[h.IntN(4)]), h.anyNode()
	pod.Spec.Priority = ptr.To(h.Int32N(20))
	info, _ := nodeinfo.NewPodInfo(pod)
	h.Queue.AddNominatedPod(klog.Logger{}, info, &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: node.Name})
	return fmt.Sprintf("%s of priority %d to %s", pod.Name, *pod.Spec.Priority, node.Name)
}

func (h *history) endNominations() string {
	node := h.anyNode()
	for _, pod := range h.Queue.NominatedPodsForNode(node.Name) {
		h.Queue.DeleteNominatedPodIfExists(pod.GetPod())
	}
	return "to " + node.Name
}

func (h *history) addNode() string {
	h.pending++
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", h.pending%9)}}
	if _, exists := h.nodes[node.Name]; exists {
		return "nothing"
	}
	node.Labels = map[string]string{corev1.LabelHostname: node.Name, corev1.LabelTopologyZone: []string{"a", "b"}[h.IntN(2)]}
	h.allocate(node)
	h.put(node)
	return node.Name
}

func (h *history) allocate(node *corev1.Node) {
	node.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse([]string{"2", "4", "8"}[h.IntN(3)]), corev1.ResourceMemory: resource.MustParse([]string{"2Gi", "8Gi"}[h.IntN(2)]),
		corev1.ResourcePods: resource.MustParse([]string{"5", "20"}[h.IntN(2)]),
	}
}

func (h *history) put(node *corev1.Node) {
	h.nodes[node.Name] = node
	h.Cache.AddNode(node)
}

func (h *history) removeNode() string {
	if len(h.nodes) < 3 {
		return "nothing"
	}
	node := h.anyNode()
	for name, pod := range h.pods {
		if pod.Spec.NodeName == node.Name {
			if _, err := h.Cache.RemovePod(pod.UID); err != nil {
				panic(err)
			}
			delete(h.pods, name)
		}
	}
	h.Cache.RemoveNode(node.Name)
	delete(h.nodes, node.Name)
	h.touchAll()
	return node.Name
}

// touchAll makes all nodes new, so that how many nodes have an image is counted at the same moment for all.
func (h *history) touchAll() {
	for _, node := range h.nodes {
		h.Cache.AddNode(node)
	}
}

func (h *history) changeNode(change func(*corev1.Node)) string {
	node := h.anyNode().DeepCopy()
	change(node)
	h.put(node)
	return node.Name
}

func (h *history) label() string {
	return h.changeNode(func(node *corev1.Node) {
		switch h.IntN(3) {
		case 0:
			node.Labels["disk"] = "ssd"
		case 1:
			delete(node.Labels, "disk")
		case 2:
			node.Labels[corev1.LabelTopologyZone] = []string{"a", "b"}[h.IntN(2)]
		}
	})
}

func (h *history) taint() string {
	return h.changeNode(func(node *corev1.Node) {
		node.Spec.Taints = nil
		if h.IntN(3) == 0 {
			effect := []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectPreferNoSchedule}[h.IntN(3)]
			for _, key := range []string{"k", "l", "m"}[h.IntN(3):] {
				node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: key, Effect: effect})
			}
		}
	})
}

func (h *history) cordon() string {
	return h.changeNode(func(node *corev1.Node) { node.Spec.Unschedulable = h.IntN(3) == 0 })
}

func (h *history) resize() string { return h.changeNode(h.allocate) }

func (h *history) pullImage() string {
	name := h.changeNode(func(node *corev1.Node) {
		node.Status.Images = nil
		if h.IntN(2) == 0 {
			node.Status.Images = []corev1.ContainerImage{{Names: []string{"web:latest"}, SizeBytes: 700 << 20}}
		}
	})
	h.touchAll()
	return name
}

// tryAndTakeBack changes the snapshot itself, and decides meanwhile, so that tables see what is then taken back.
func (h *history) tryAndTakeBack() string {
	h.Cache.Update(h.Snapshot)
	node := h.anyNode()
	info, _ := nodeinfo.NewPodInfo(h.newPod(shapesOfPods[3]))
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	check(h.Snapshot.StartMutations())
	check(h.Snapshot.AddPod(info, node.Name))
	for _, pod := range h.pods {
		if pod.Spec.NodeName == node.Name {
			check(h.Snapshot.RemovePod(klog.Logger{}, pod, node.Name))
		}
	}
	for _, shape := range shapesOfPods[:4] {
		a := h.attempt(h.newPod(shape))
		_, _, err := h.find(context.Background(), a)
		check(err)
	}
	check(h.Snapshot.EndMutations())
	return "on " + node.Name
}

func (h *history) attempt(pod *corev1.Pod) *attempt {
	info, _ := nodeinfo.NewPodInfo(pod)
	return &attempt{entry: &queue.Entry{PodInfo: info}, profile: h.profile, state: framework.NewCycleState(h.IntN(10) == 0), start: h.Clock.Now()}
}

// compare decides on a pod both ways.
func (h *history) compare(ctx context.Context, shape shape, seen map[string]int) error {
	pod := h.newPod(shape)
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
	if a.table != nil && a.table.decides && !a.profile.OthersScore(a.state) {
		for _, score := range a.table.Best(ctx, a.table.attempt, len(h.nodes)) {
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

func (h *history) count(a *attempt, want verdict, seen map[string]int) {
	byTable := a.table != nil && a.table.decides
	if a.table != nil && !byTable || byTable && a.profile.OthersScore(a.state) {
		seen["table beside others"]++
	} else if byTable {
		seen["table"]++
	} else {
		seen["no table"]++
	}
	switch {
	case want.Message != "":
		seen["nowhere"]++
		if byTable {
			seen["nowhere by table"]++
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
