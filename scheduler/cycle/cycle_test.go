package cycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/equivalence"
	"github.com/orrery-dev/orrery/scheduler/framework"
)

// outsider is a plugin that knows only kube-scheduler's interfaces. Its functions may be nil.
type outsider struct {
	filter   func(pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status
	score    func(pod *corev1.Pod, node fwk.NodeInfo) int64
	preScore func(pod *corev1.Pod) *fwk.Status
	reserve  func(pod *corev1.Pod, node string) *fwk.Status
}

func (*outsider) Name() string { return "Outsider" }

func (o *outsider) Filter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	if o.filter == nil {
		return nil
	}
	return o.filter(pod, node)
}

func (o *outsider) PreScore(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	if o.preScore == nil {
		return nil
	}
	return o.preScore(pod)
}

func (o *outsider) Score(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	if o.score == nil {
		return 0, nil
	}
	return o.score(pod, node), nil
}

func (*outsider) ScoreExtensions() fwk.ScoreExtensions { return nil }

func (o *outsider) Reserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	if o.reserve == nil {
		return nil
	}
	return o.reserve(pod, node)
}

func (*outsider) Unreserve(context.Context, fwk.CycleState, *corev1.Pod, string) {}

func with(o *outsider) settings {
	return settings{random: seeded(1), plugins: framework.Registry{
		o.Name(): func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return o, nil },
	}}
}

// placed schedules pods one after the other, and returns where they went, or the message of those that went nowhere.
func placed(t *testing.T, f *fixture, pods ...*corev1.Pod) []string {
	t.Helper()
	var result []string
	for _, pod := range pods {
		f.add(pod)
		ended := f.next(t)
		result = append(result, strings.TrimSpace(ended.node+" "+ended.message))
	}
	return result
}

// like returns as many pods as there are names, all of one class.
func like(cpu string, names ...string) []*corev1.Pod {
	pods := make([]*corev1.Pod, len(names))
	for i, name := range names {
		pods[i] = newPod(name, cpu, "100Mi")
	}
	return pods
}

func TestPodsGoToTheNodeWithTheMostRoom(t *testing.T) {
	f := newFixture(t, settings{}, newNode("small", "2", "4Gi"), newNode("large", "8", "16Gi"))
	f.run(t)
	got := placed(t, f, like("2", "a", "b", "c", "d", "e", "f")...)
	want := []string{"large", "large", "large", "large", "small", ""}
	if diff := cmp.Diff(want[:4], got[:4]); diff != "" && got[4] != "small" {
		t.Errorf("placements (-want +got):\n%s", diff)
	}
	if want := "0/2 nodes are available: 2 Insufficient cpu."; got[5] != want {
		t.Errorf("the last pod: got %q, want %q", got[5], want)
	}
}

func TestEachOfTheBestNodesHasTheSameChance(t *testing.T) {
	f := newFixture(t, settings{random: seeded(7)}, newNode("a", "4", "8Gi"), newNode("b", "4", "8Gi"), newNode("c", "4", "8Gi"), newNode("d", "1", "1Gi"))
	f.run(t)
	counts := map[string]int{}
	for i := range 600 {
		pod := newPod(fmt.Sprintf("pod-%d", i), "1", "1Gi")
		f.add(pod)
		counts[f.next(t).node]++
		if _, err := f.Cache.RemovePod(pod.UID); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range []string{"a", "b", "c"} {
		if counts[node] < 150 || counts[node] > 250 {
			t.Errorf("of 600 pods, %v", counts)
		}
	}
}

func TestAPluginFromOutsideHasItsSay(t *testing.T) {
	outside := &outsider{
		filter: func(pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
			if node.Node().Name == "haunted" && pod.Name != "ghost" {
				return fwk.NewStatus(fwk.Unschedulable, "it is haunted")
			}
			return nil
		},
		score: func(pod *corev1.Pod, node fwk.NodeInfo) int64 {
			if node.Node().Name == "b" && strings.HasPrefix(pod.Name, "b") || node.Node().Name == "haunted" && pod.Name == "ghost" {
				return 100
			}
			return 0
		},
	}
	f := newFixture(t, with(outside), newNode("haunted", "64", "64Gi"), newNode("a", "8", "8Gi"), newNode("b", "8", "8Gi"))
	f.run(t)
	got := placed(t, f, like("1m", "b1", "b2", "b3", "ghost", "b4")...)
	if diff := cmp.Diff([]string{"b", "b", "b", "haunted", "b"}, got); diff != "" {
		t.Errorf("placements (-want +got):\n%s", diff)
	}
	got = placed(t, f, like("20", "x", "y", "z")...)
	want := "0/3 nodes are available: 1 it is haunted, 2 Insufficient cpu."
	if diff := cmp.Diff([]string{want, want, want}, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestAPanicFailsOnlyItsPod(t *testing.T) {
	oops := func(pod *corev1.Pod) {
		if strings.HasPrefix(pod.Name, "bad") {
			panic("oops")
		}
	}
	for point, outside := range map[string]*outsider{
		"Filter":   {filter: func(pod *corev1.Pod, _ fwk.NodeInfo) *fwk.Status { oops(pod); return nil }},
		"PreScore": {preScore: func(pod *corev1.Pod) *fwk.Status { oops(pod); return nil }},
		"Score":    {score: func(pod *corev1.Pod, _ fwk.NodeInfo) int64 { oops(pod); return 0 }},
		"Reserve":  {reserve: func(pod *corev1.Pod, _ string) *fwk.Status { oops(pod); return nil }},
	} {
		t.Run(point, func(t *testing.T) {
			f := newFixture(t, with(outside), newNode("a", "8", "8Gi"), newNode("b", "8", "8Gi"))
			f.run(t)
			got := placed(t, f, like("1", "good-1", "bad-1", "bad-2", "good-2", "bad-3", "good-3")...)
			for i, result := range got {
				if bad := i == 1 || i == 2 || i == 4; bad != strings.Contains(result, `plugin "Outsider" panicked in `+point+": oops") {
					t.Errorf("pod %d: %q", i, result)
				}
			}
			if nodes, pods, _ := f.Cache.Size(); nodes != 2 || pods != 3 {
				t.Errorf("%d pods are counted on %d nodes, want 3 on 2", pods, nodes)
			}
		})
	}
}

func TestAPodThatCannotBeBoundLeavesItsPlace(t *testing.T) {
	bind := func(_ context.Context, pod *corev1.Pod, _ string) error {
		if pod.Name == "unlucky" {
			return errors.New("the API server says no")
		}
		return nil
	}
	f := newFixture(t, settings{bind: bind}, newNode("only", "1", "1Gi"))
	f.run(t)
	got := placed(t, f, like("1", "unlucky")...)
	if !strings.Contains(got[0], "the API server says no") {
		t.Errorf("the message is %q", got[0])
	}
	got = placed(t, f, like("1", "lucky", "late")...)
	if want := []string{"only", "0/1 nodes are available: 1 Insufficient cpu."}; !cmp.Equal(want, got) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// counting is a local plugin that refuses nothing and counts how often it is asked.
type counting struct{ asked atomic.Int64 }

func (*counting) Name() string { return "Counting" }

func (c *counting) Filter(context.Context, fwk.CycleState, *corev1.Pod, fwk.NodeInfo) *fwk.Status {
	c.asked.Add(1)
	return nil
}

func (*counting) AppendEquivalenceKey(key []byte, _ *corev1.Pod) ([]byte, bool) { return key, true }

func TestPodsThatFitNowhereAreNotJudgedAgain(t *testing.T) {
	plugin := &counting{}
	s := settings{plugins: framework.Registry{
		plugin.Name(): func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return plugin, nil },
	}}
	f := newFixture(t, s, newNode("a", "1", "1Gi"), newNode("b", "1", "1Gi", func(node *corev1.Node) {
		node.Spec.Taints = []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectNoSchedule}}
	}))
	f.run(t)
	want := "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s)."
	for i, message := range placed(t, f, like("2", "1", "2", "3", "4")...) {
		if message != want {
			t.Errorf("pod %d: got %q, want %q", i, message, want)
		}
	}
	record, found := f.History.Get("default", "4")
	if !found || len(record.Refusals) != 2 || record.Evaluated != 2 || record.Refusals[0].Count+record.Refusals[1].Count != 2 {
		t.Errorf("the record is %+v", record)
	}
	if asked := plugin.asked.Load(); asked != 4 {
		t.Errorf("for four pods of one class, a local plugin was asked %d times about two nodes; want twice each", asked)
	}
	f.Cache.AddNode(newNode("a", "4", "4Gi"))
	if got := placed(t, f, like("2", "5")...); got[0] != "a" {
		t.Errorf("once there is room, the pod goes to %q", got[0])
	}
	if asked := plugin.asked.Load(); asked != 5 {
		t.Errorf("after one node changed, the plugin was asked %d times in all, want 5", asked)
	}
}

func TestANodeThatComesOrGoesCostsOneLook(t *testing.T) {
	plugin := &counting{}
	s := settings{plugins: framework.Registry{
		plugin.Name(): func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return plugin, nil },
	}}
	f := newFixture(t, s, manyNodes(50)...)
	f.run(t)
	placed(t, f, like("1", "1", "2", "3")...)
	for i, change := range []func(){
		func() { f.Cache.AddNode(newNode("new", "100", "999Gi")) },
		func() { f.Cache.RemoveNode("node-7") },
		func() { f.Cache.RemoveNode("new") },
	} {
		before := plugin.asked.Load()
		change()
		node := placed(t, f, like("1", fmt.Sprint("after-", i))...)[0]
		if asked := plugin.asked.Load() - before; asked > 2 {
			t.Errorf("change %d: the plugin was asked about %d nodes, want the one that the last pod went to and one more", i, asked)
		}
		if (node == "new") != (i < 2) {
			t.Errorf("change %d: the pod went to %s; the new node is the best while it is there", i, node)
		}
	}
}

func TestANodeIsKeptFreeForThoseWhoGoFirst(t *testing.T) {
	f := newFixture(t, settings{}, newNode("kept", "2", "4Gi"), newNode("other", "1", "4Gi"))
	first := newPod("first", "2", "1Gi", func(pod *corev1.Pod) { pod.Spec.Priority = ptr.To[int32](10) })
	f.Queue.AddNominatedPod(klog.Logger{}, infoOf(t, first), &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: "kept"})
	f.run(t)
	got := placed(t, f, like("400m", "a", "b", "c")...)
	refused := "0/2 nodes are available: 2 Insufficient cpu."
	if diff := cmp.Diff([]string{"other", "other", refused}, got); diff != "" {
		t.Errorf("placements (-want +got):\n%s", diff)
	}
	f.Queue.DeleteNominatedPodIfExists(first)
	if got := placed(t, f, like("400m", "d")...); got[0] != "kept" {
		t.Errorf("once nobody is nominated, the pod goes to %q", got[0])
	}
}

func TestANominatedPodTriesItsNodeFirst(t *testing.T) {
	f := newFixture(t, settings{}, newNode("small", "2", "2Gi"), newNode("large", "64", "64Gi"))
	f.run(t)
	pods := like("1", "a", "b", "c")
	pods[2].Status.NominatedNodeName = "small"
	if got := placed(t, f, pods...); got[2] != "small" {
		t.Errorf("placements are %v", got)
	}
}

func TestTheRecordSaysHowTheBestNodesWereScored(t *testing.T) {
	f := newFixture(t, settings{}, newNode("best", "8", "8Gi"), newNode("second", "4", "4Gi", func(node *corev1.Node) {
		node.Spec.Taints = []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectPreferNoSchedule}}
	}))
	f.run(t)
	var byClass, ordinary []string
	for i, pod := range like("1m", "first", "second", "third") {
		placed(t, f, pod)
		record, _ := f.History.Get("default", pod.Name)
		var line []string
		for _, scored := range record.Best {
			line = append(line, fmt.Sprintf("%s taints %d->%d", scored.Node, scored.Raw["TaintToleration"], scored.Weighted["TaintToleration"]))
		}
		if i == 0 {
			ordinary = line
		} else {
			byClass = line
		}
	}
	want := []string{"best taints 0->300", "second taints 1->0"}
	if diff := cmp.Diff(want, ordinary) + cmp.Diff(want, byClass); diff != "" {
		t.Errorf("the best nodes (-want +got):\n%s", diff)
	}
}

func TestASearchStopsWhenEnoughNodesFit(t *testing.T) {
	var asked atomic.Int64
	outside := &outsider{score: func(*corev1.Pod, fwk.NodeInfo) int64 { asked.Add(1); return 0 }}
	s := with(outside)
	s.percentage = 10
	f := newFixture(t, s, manyNodes(1200)...)
	f.run(t)
	for _, pod := range like("1", "alone", "by class", "by class again") {
		asked.Store(0)
		if placed(t, f, pod); asked.Load() != 120 {
			t.Errorf("%s: %d nodes were scored, want 120", pod.Name, asked.Load())
		}
	}
}

func TestAPodThatIsDeletedIsNotScheduled(t *testing.T) {
	f := newFixture(t, settings{}, newNode("a", "8", "8Gi"))
	f.run(t)
	gone := newPod("gone", "1", "1Gi")
	gone.DeletionTimestamp = ptr.To(metav1.Now())
	f.add(gone)
	if got := placed(t, f, like("1", "here")...); got[0] != "a" {
		t.Errorf("the next pod goes to %q", got[0])
	}
	if _, found := f.History.Get("default", "gone"); found {
		t.Error("an attempt was made to schedule a pod that is being deleted")
	}
}

func TestTablesAreBoundedAndDroppedByLastUse(t *testing.T) {
	f := newFixture(t, settings{}, manyNodes(100)...)
	f.Classes = equivalence.New(100_000)
	f.run(t)
	for round := range 3 {
		for i := range 20 {
			placed(t, f, newPod(fmt.Sprintf("pod-%d-%d", round, i), fmt.Sprintf("%dm", i+1), "1Mi"))
			if used := f.Classes.Bytes(); used > 100_000 {
				t.Fatalf("after %d pods, %d classes take %d bytes", 20*round+i+1, f.Classes.Len(), used)
			}
		}
	}
	if classes := f.Classes.Len(); classes < 3 || classes > 15 {
		t.Errorf("there are %d classes, want as many as fit", classes)
	}
}

func TestAPodThatIsAloneInItsShapeGetsNoTable(t *testing.T) {
	f := newFixture(t, settings{}, manyNodes(10)...)
	f.Classes = equivalence.New(0)
	f.run(t)
	for i := range 5 {
		placed(t, f, newPod(fmt.Sprintf("pod-%d", i), fmt.Sprintf("%dm", i+1), "1Mi"))
	}
	if classes := f.Classes.Len(); classes != 0 {
		t.Errorf("there are %d classes", classes)
	}
	placed(t, f, newPod("again", "3m", "1Mi"))
	if classes := f.Classes.Len(); classes != 1 {
		t.Errorf("there are %d classes after a pod of it came again, want 1", classes)
	}
}
