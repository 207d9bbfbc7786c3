package cycle_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultpreemption"
)

// planned is what a plan found out of each node, in words.
type planned map[string]string

// plans is a cluster in which one plugin plans again and again, and a new one each time does the same.
type plans struct {
	*fixture
	*rand.Rand
	remembering *defaultpreemption.Plugin
	running     []*corev1.Pod
	made        int
}

func newPlans(t *testing.T, seed uint64) *plans {
	p := &plans{fixture: newFixture(t, settings{}), Rand: rand.New(rand.NewPCG(seed, 2))}
	for i := range 8 {
		p.Cache.AddNode(newNode(fmt.Sprintf("node-%d", i), "4", "4Gi"))
		for range 4 {
			p.addRunning(t)
		}
	}
	p.remembering = p.newPlugin(t)
	return p
}

func (p *plans) newPlugin(t *testing.T) *defaultpreemption.Plugin {
	t.Helper()
	args := &configv1.DefaultPreemptionArgs{MinCandidateNodesPercentage: ptr.To[int32](100), MinCandidateNodesAbsolute: ptr.To[int32](1)}
	plugin, err := defaultpreemption.Factory(later{func() *fixture { return p.fixture }})(t.Context(), args, p.profile)
	if err != nil {
		t.Fatal(err)
	}
	return plugin.(*defaultpreemption.Plugin)
}

func (p *plans) name(of string) string {
	p.made++
	return fmt.Sprintf("%s-%d", of, p.made)
}

func (p *plans) anyNode() string { return fmt.Sprintf("node-%d", p.IntN(8)) }

func (p *plans) addRunning(t *testing.T) {
	pod := newPod(p.name("running"), fmt.Sprint(1+p.IntN(2)), "1Mi", important(p.Int32N(12)), onNode(p.anyNode()), func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"app": fmt.Sprint(p.IntN(3))}
	})
	if err := p.Cache.AddPod(pod); err != nil {
		t.Fatal(err)
	}
	p.running = append(p.running, pod)
}

// preemptor is of one of a few kinds.
func (p *plans) preemptor() *corev1.Pod {
	return newPod(p.name("urgent"), fmt.Sprint(2+p.IntN(2)), "1Mi", important(10+p.Int32N(2)))
}

// change makes one change of those that a plan can depend on.
func (p *plans) change(t *testing.T) {
	switch i := p.IntN(max(len(p.running), 1)); p.IntN(6) {
	case 0, 1:
		p.addRunning(t)
	case 2, 3:
		if len(p.running) > 0 {
			if _, err := p.Cache.RemovePod(p.running[i].UID); err != nil {
				t.Fatal(err)
			}
			p.running = append(p.running[:i], p.running[i+1:]...)
		}
	case 4:
		nominee := infoOf(t, newPod(fmt.Sprintf("nominee-%d", p.IntN(4)), "1", "1Mi", important(9+p.Int32N(3))))
		p.Queue.AddNominatedPod(klog.Background(), nominee, &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: p.anyNode()})
	case 5:
		app := fmt.Sprint(p.IntN(3))
		err := p.profile.SharedInformerFactory().Policy().V1().PodDisruptionBudgets().Informer().GetIndexer().Add(&policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "app-" + app},
			Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}},
			Status:     policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: p.Int32N(3)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (p *plans) plan(t *testing.T, plugin *defaultpreemption.Plugin, pod *corev1.Pod) planned {
	t.Helper()
	state, statuses := framework.NewCycleState(false), framework.NewNodeStatuses()
	if _, status, _ := p.profile.RunPreFilterPlugins(t.Context(), state, pod); !status.IsSuccess() {
		t.Fatal(status.AsError())
	}
	for _, node := range p.Snapshot.Nodes() {
		if status := p.profile.RunFilterPluginsWithNominatedPods(t.Context(), state, pod, node); !status.IsSuccess() {
			statuses.Set(node.Node().Name, status)
		}
	}
	plan, found := plugin.Plan(t.Context(), state, pod, statuses), planned{}
	for _, candidate := range plan.Candidates {
		text := fmt.Sprintf("%d violations:", candidate.Violations)
		for _, victim := range candidate.Pods {
			text += " " + victim.Name
		}
		found[candidate.Place] = text
	}
	if plan.Refused != nil {
		for node, status := range plan.Refused.Own() {
			found[node] = status.Message()
		}
	}
	return found
}

func TestPlansFromMemoryAreThoseOfAFirstLook(t *testing.T) {
	for seed := range uint64(20) {
		p := newPlans(t, seed)
		victims := 0
		for step := range 100 {
			for range p.IntN(3) {
				p.change(t)
			}
			p.Cache.Update(p.Snapshot)
			pod := p.preemptor()
			if p.IntN(4) == 0 {
				p.Queue.AddNominatedPod(klog.Background(), infoOf(t, pod), &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: p.anyNode()})
			}
			got, want := p.plan(t, p.remembering, pod), p.plan(t, p.newPlugin(t), pod)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, step %d: a first look (-) and the memory (+) differ:\n%s", seed, step, diff)
			}
			victims += len(got)
		}
		if victims == 0 {
			t.Errorf("seed %d: nothing was ever found out", seed)
		}
	}
}
