package plugins_test

import (
	"context"
	"fmt"
	goruntime "runtime"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	upstreamcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/parallelize"
	upstreammetrics "k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
)

// The benchmark's cluster, and how many nodes are looked at and scored for a decision, as both schedulers do of so many.
const (
	benchNodes    = 5000
	benchPods     = 10000
	benchFeasible = 500
	benchZones    = 10
	benchGroups   = 20
)

// workload is pods in a number of groups, such as Deployments. Those of a group have one shape.
type workload struct {
	pair   string
	name   string
	groups int
	// shape gives a pod of a group what the workload is about.
	shape func(pod *corev1.Pod, group map[string]string)
}

var workloads = []workload{
	{"InterPodAffinity", "required anti-affinity by host", benchGroups, apartByHost},
	{"InterPodAffinity", "the same, each pod alone in its group", 1 << 30, apartByHost},
	{"InterPodAffinity", "required affinity by zone", benchGroups, func(pod *corev1.Pod, group map[string]string) {
		pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{termOf(group, corev1.LabelTopologyZone)},
		}}
	}},
	{"InterPodAffinity", "preferred both ways", benchGroups, func(pod *corev1.Pod, group map[string]string) {
		pod.Spec.Affinity = &corev1.Affinity{
			PodAffinity: &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
				{Weight: 10, PodAffinityTerm: termOf(group, corev1.LabelTopologyZone)},
			}},
			PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
				{Weight: 50, PodAffinityTerm: termOf(group, corev1.LabelHostname)},
			}},
		}
	}},
	{"InterPodAffinity", "required affinity by zone, each decision the first of its shape", benchGroups, firstOfItsShape(func(affinity *corev1.Affinity, term corev1.PodAffinityTerm) {
		affinity.PodAffinity = &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}
	})},
	{"InterPodAffinity", "preferred affinity by zone, each decision the first of its shape", benchGroups, firstOfItsShape(func(affinity *corev1.Affinity, term corev1.PodAffinityTerm) {
		affinity.PodAffinity = &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 10, PodAffinityTerm: term}}}
	})},
	{"PodTopologySpread", "DoNotSchedule by zone", benchGroups, func(pod *corev1.Pod, group map[string]string) {
		pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{spreadOf(group, corev1.LabelTopologyZone, corev1.DoNotSchedule)}
	}},
	{"PodTopologySpread", "DoNotSchedule by host", benchGroups, func(pod *corev1.Pod, group map[string]string) {
		pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{spreadOf(group, corev1.LabelHostname, corev1.DoNotSchedule)}
	}},
	{"PodTopologySpread", "ScheduleAnyway by zone and host", benchGroups, func(pod *corev1.Pod, group map[string]string) {
		pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{
			spreadOf(group, corev1.LabelTopologyZone, corev1.ScheduleAnyway), spreadOf(group, corev1.LabelHostname, corev1.ScheduleAnyway),
		}
	}},
}

// firstOfItsShape gives each pod that is decided on a term that no pod before had, about pods that there are. The pods on
// nodes have none.
func firstOfItsShape(set func(*corev1.Affinity, corev1.PodAffinityTerm)) func(*corev1.Pod, map[string]string) {
	return func(pod *corev1.Pod, group map[string]string) {
		if pod.Spec.NodeName != "" {
			return
		}
		term := termOf(group, corev1.LabelTopologyZone)
		term.LabelSelector.MatchExpressions = []metav1.LabelSelectorRequirement{
			{Key: "left-out", Operator: metav1.LabelSelectorOpNotIn, Values: []string{pod.Name}},
		}
		pod.Spec.Affinity = &corev1.Affinity{}
		set(pod.Spec.Affinity, term)
	}
}

func apartByHost(pod *corev1.Pod, group map[string]string) {
	pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{termOf(group, corev1.LabelHostname)},
	}}
}

func termOf(group map[string]string, key string) corev1.PodAffinityTerm {
	return corev1.PodAffinityTerm{LabelSelector: &metav1.LabelSelector{MatchLabels: group}, TopologyKey: key}
}

func spreadOf(group map[string]string, key string, action corev1.UnsatisfiableConstraintAction) corev1.TopologySpreadConstraint {
	return corev1.TopologySpreadConstraint{
		MaxSkew: 5, TopologyKey: key, WhenUnsatisfiable: action, LabelSelector: &metav1.LabelSelector{MatchLabels: group},
	}
}

func (l workload) pod(i int, node string) *corev1.Pod {
	name := fmt.Sprintf("pod-%d", i)
	group := map[string]string{"app": fmt.Sprintf("app-%d", i%l.groups)}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), Labels: group}}
	pod.Spec.NodeName = node
	l.shape(pod, group)
	return pod
}

func benchNode(i int) *corev1.Node {
	name := fmt.Sprintf("node-%d", i)
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprintf("zone-%d", i%benchZones),
	}}}
}

// nodeStore is what each scheduler keeps its nodes in.
type nodeStore interface {
	fwk.SharedLister
	// put assigns a pod and brings the snapshot up to date.
	put(pod *corev1.Pod)
}

type ourCluster struct {
	*cache.Snapshot
	cache *cache.Cache
}

func (c ourCluster) put(pod *corev1.Pod) {
	if err := c.cache.AddPod(pod); err != nil {
		panic(err)
	}
	c.cache.Update(c.Snapshot)
}

type theirCluster struct {
	*upstreamcache.Snapshot
	cache upstreamcache.Cache
}

func (c theirCluster) put(pod *corev1.Pod) {
	if err := c.cache.AddPod(klog.Background(), pod); err != nil {
		panic(err)
	}
	if err := c.cache.UpdateSnapshot(klog.Background(), c.Snapshot); err != nil {
		panic(err)
	}
}

// benchHandle has as many goroutines as both schedulers by default.
type benchHandle struct{ handle }

func (benchHandle) Parallelizer() fwk.Parallelizer {
	return parallelize.NewParallelizer(parallelize.DefaultParallelism)
}

// contender is one of the two sides.
type contender struct {
	name   string
	store  nodeStore
	plugin fwk.Plugin
	state  func() fwk.CycleState
}

func contenders(b *testing.B, load workload) []contender {
	b.Helper()
	upstreammetrics.Register() // Its cache writes to them.
	ours := ourCluster{&cache.Snapshot{}, cache.New(0)}
	theirs := theirCluster{upstreamcache.NewEmptySnapshot(), upstreamcache.New(b.Context(), nil, false, false)}
	for i := range benchNodes {
		ours.cache.AddNode(benchNode(i))
		theirs.cache.AddNode(klog.Background(), benchNode(i))
	}
	for i := range benchPods {
		pod := load.pod(i, fmt.Sprintf("node-%d", i%benchNodes))
		if err := ours.cache.AddPod(pod); err != nil {
			b.Fatal(err)
		}
		if err := theirs.cache.AddPod(klog.Background(), pod); err != nil {
			b.Fatal(err)
		}
	}
	var args runtime.Object = &configv1.InterPodAffinityArgs{HardPodAffinityWeight: ptr.To[int32](1)}
	if load.pair == "PodTopologySpread" {
		args = &configv1.PodTopologySpreadArgs{DefaultingType: configv1.SystemDefaulting}
	}
	converted, err := internal(args)
	if err != nil {
		b.Fatal(err)
	}
	build := func(name string, factory upstreamFactory, args runtime.Object, c nodeStore, state func() fwk.CycleState) contender {
		c.put(load.pod(benchPods, "node-0"))
		factories := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
		plugin, err := factory(b.Context(), args, benchHandle{handle{snapshot: c, informers: factories}}, features())
		if err != nil {
			b.Fatal(err)
		}
		return contender{name, c, plugin, state}
	}
	for _, pair := range podPairs {
		if pair.name == load.pair {
			return []contender{
				build("upstream", pair.upstream, converted, theirs, func() fwk.CycleState { return upstream.NewCycleState() }),
				build("ours", withoutFeatures(pair.ours), args, ours, func() fwk.CycleState { return framework.NewCycleState(false) }),
			}
		}
	}
	b.Fatalf("there is no pair %q", load.pair)
	return nil
}

// decide runs the plugin's part in one decision.
func (c contender) decide(ctx context.Context, b *testing.B, pod *corev1.Pod) {
	b.Helper()
	nodes, err := c.store.NodeInfos().List()
	if err != nil {
		b.Fatal(err)
	}
	state, feasible := c.state(), nodes[:0:0]
	_, status := c.plugin.(fwk.PreFilterPlugin).PreFilter(ctx, state, pod, nodes)
	for _, node := range nodes {
		if status.IsSkip() || c.plugin.(fwk.FilterPlugin).Filter(ctx, state, pod, node).IsSuccess() {
			if feasible = append(feasible, node); len(feasible) == benchFeasible {
				break
			}
		}
	}
	if len(feasible) == 0 {
		b.Fatalf("pod %s fits nowhere", pod.Name)
	}
	if c.plugin.(fwk.PreScorePlugin).PreScore(ctx, state, pod, feasible).IsSkip() {
		return
	}
	scores := make(fwk.NodeScoreList, len(feasible))
	for i, node := range feasible {
		score, status := c.plugin.(fwk.ScorePlugin).Score(ctx, state, pod, node)
		if !status.IsSuccess() {
			b.Fatal(status.AsError())
		}
		scores[i] = fwk.NodeScore{Name: node.Node().Name, Score: score}
	}
	c.plugin.(fwk.ScorePlugin).ScoreExtensions().NormalizeScore(ctx, state, pod, scores)
}

// BenchmarkPodPlugins measures a decision and the assignment that follows, at 5,000 nodes with 10,000 pods, side by side.
// The first decision on each group, for which all nodes have to be asked, is not measured but where all are first ones.
// The processor's time is that of all goroutines, and means more than the time that passes where others use the machine as
// well; the metric times-upstream of ours is the ratio of both sides'.
func BenchmarkPodPlugins(b *testing.B) {
	for _, load := range workloads {
		b.Run(load.pair+"/"+load.name, func(b *testing.B) {
			var upstreams time.Duration
			for _, c := range contenders(b, load) {
				b.Run(c.name, func(b *testing.B) {
					b.ReportAllocs()
					i := benchPods
					schedule := func() {
						i++
						c.decide(b.Context(), b, load.pod(i, ""))
						c.store.put(load.pod(i, fmt.Sprintf("node-%d", i*7%benchNodes)))
					}
					for range benchGroups {
						schedule()
					}
					goruntime.GC() // of what the other one left
					before := processorTime(b)
					for b.Loop() {
						schedule()
					}
					each := (processorTime(b) - before) / time.Duration(b.N)
					b.ReportMetric(float64(each.Microseconds()), "cpu-µs/decision")
					if c.name == "upstream" {
						upstreams = each
					} else {
						b.ReportMetric(float64(upstreams)/float64(each), "times-upstream")
					}
				})
			}
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
