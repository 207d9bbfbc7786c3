package defaultpreemption_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultpreemption"
)

// single is a plugin that lets one pod stay on a node, and no pod at all on a node that is closed. It also sorts and binds,
// which a profile needs.
type single struct{}

func (single) Name() string                        { return "Single" }
func (single) Less(a, b fwk.QueuedEntityInfo) bool { return a.GetPriority() > b.GetPriority() }

func (single) Bind(context.Context, fwk.CycleState, *corev1.Pod, string) *fwk.Status {
	return fwk.NewStatus(fwk.Error, "nothing is bound here")
}

func (single) Filter(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	if node.Node().Spec.Unschedulable {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "closed")
	}
	if len(node.GetPods()) > 0 {
		return fwk.NewStatus(fwk.Unschedulable, "taken")
	}
	return nil
}

// situation is a small cluster in which a pod waits.
type situation struct {
	pod       *corev1.Pod
	nodes     []*corev1.Node
	running   []*corev1.Pod
	extenders []fwk.Extender
	// percentage and absolute are the arguments; 0 means 100 percent.
	percentage, absolute int32
}

func node(name string) *corev1.Node { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }

func pod(name string, priority int32, node string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)},
		Spec:       corev1.PodSpec{Priority: &priority, NodeName: node},
	}
}

func (s *situation) Pod(string, string) *corev1.Pod   { return s.pod }
func (s *situation) Counted(types.UID) *corev1.Pod    { return nil }
func (s *situation) Nominated(pod *corev1.Pod) string { return pod.Status.NominatedNodeName }
func (s *situation) Evict(context.Context, *corev1.Pod, corev1.PodCondition) (bool, error) {
	return false, errors.New("a plan evicts nobody")
}

func (s *situation) Report(context.Context, *corev1.Pod, *corev1.PodCondition, *fwk.NominatingInfo) error {
	return errors.New("a plan changes nobody")
}

func (s *situation) plugin(t *testing.T) (*defaultpreemption.Plugin, *framework.Framework, error) {
	t.Helper()
	c, snapshot := cache.New(0), &cache.Snapshot{}
	for _, node := range s.nodes {
		c.AddNode(node)
	}
	for _, pod := range s.running {
		if err := c.AddPod(pod); err != nil {
			t.Fatal(err)
		}
	}
	c.Update(snapshot)
	if s.percentage == 0 && s.absolute == 0 {
		s.percentage = 100
	}
	var plugin *defaultpreemption.Plugin
	registry := framework.Registry{
		"Single": func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return single{}, nil },
		defaultpreemption.Name: func(ctx context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
			built, err := defaultpreemption.Factory(s)(ctx, args, handle)
			plugin, _ = built.(*defaultpreemption.Plugin)
			return built, err
		},
	}
	f, err := framework.New(t.Context(), registry, framework.Profile{
		Plugins: &configv1.Plugins{MultiPoint: configv1.PluginSet{Enabled: []configv1.Plugin{{Name: "Single"}, {Name: defaultpreemption.Name}}}},
		Args: map[string]runtime.Object{defaultpreemption.Name: &configv1.DefaultPreemptionArgs{
			MinCandidateNodesPercentage: &s.percentage, MinCandidateNodesAbsolute: &s.absolute,
		}},
	}, framework.Environment{
		Snapshot: snapshot, Extenders: s.extenders, Informers: informers.NewSharedInformerFactory(fake.NewClientset(), 0), Parallelism: 1,
	})
	if err == nil {
		t.Cleanup(func() {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return plugin, f, err
}

func (s *situation) plan(t *testing.T) *defaultpreemption.Plan {
	t.Helper()
	plugin, f, err := s.plugin(t)
	if err != nil {
		t.Fatal(err)
	}
	state, statuses := framework.NewCycleState(false), framework.NewNodeStatuses()
	state.SetSkipFilterPlugins(nil)
	nodes, err := f.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes {
		statuses.Set(node.Node().Name, f.RunFilterPluginsWithNominatedPods(t.Context(), state, s.pod, node))
	}
	return plugin.Plan(t.Context(), state, s.pod, statuses)
}

// says is a plan in one line.
func says(plan *defaultpreemption.Plan) string {
	if plan.Choice.Candidate != nil {
		return plan.Choice.String()
	}
	return fmt.Sprintf("%s: %s (ends the nomination: %t)", plan.Status.Code(), plan.Status.Message(), plan.EndsNomination)
}

func TestPlan(t *testing.T) {
	closed := node("closed")
	closed.Spec.Unschedulable = true
	terminating := pod("terminating", 1, "n1")
	terminating.DeletionTimestamp = ptr.To(metav1.Now())
	terminating.Status.Conditions = []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler}}
	leaving := pod("leaving", 1, "n1")
	leaving.DeletionTimestamp = ptr.To(metav1.Now())
	nominated := func(node string) *corev1.Pod {
		pod := pod("urgent", 9, "")
		pod.Status.NominatedNodeName = node
		return pod
	}
	meek := pod("meek", 9, "")
	meek.Spec.PreemptionPolicy = ptr.To(corev1.PreemptNever)
	both := []*corev1.Node{node("n1"), node("n2")}
	for _, test := range []struct {
		name string
		situation
		want string
	}{
		{"takes the node of the least important pod",
			situation{pod: pod("urgent", 9, ""), nodes: both, running: []*corev1.Pod{pod("a", 5, "n1"), pod("b", 3, "n2")}},
			"preempting 1 pod from n2, which of 2 candidates has the lowest priority of its most important victim: 3, where the next has 5"},
		{"leaves pods of the same priority alone",
			situation{pod: pod("urgent", 5, ""), nodes: both, running: []*corev1.Pod{pod("a", 5, "n1"), pod("b", 6, "n2")}},
			"Unschedulable: 0/2 nodes are available: 2 No preemption victims found for incoming pod. (ends the nomination: true)"},
		{"says what refuses the pod when all others have gone",
			situation{pod: pod("urgent", 9, ""), nodes: both, running: []*corev1.Pod{pod("a", 5, "n1"), pod("b", 9, "n1"), pod("c", 9, "n2")}},
			"Unschedulable: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 taken. (ends the nomination: true)"},
		{"looks only where it can help",
			situation{pod: pod("urgent", 9, ""), nodes: []*corev1.Node{closed}, running: []*corev1.Pod{pod("a", 5, "closed")}},
			"Unschedulable: 0/1 nodes are available: 1 Preemption is not helpful for scheduling. (ends the nomination: true)"},
		{"does nothing for a pod that must not preempt",
			situation{pod: meek, nodes: both, running: []*corev1.Pod{pod("a", 5, "n1"), pod("b", 5, "n2")}},
			"Unschedulable: not eligible due to preemptionPolicy=Never. (ends the nomination: false)"},
		{"waits while its victims are terminating",
			situation{pod: nominated("n1"), nodes: both, running: []*corev1.Pod{terminating, pod("b", 5, "n2")}},
			"Unschedulable: not eligible due to a terminating pod on the nominated node. (ends the nomination: false)"},
		{"does not wait for pods that others delete",
			situation{pod: nominated("n1"), nodes: both, running: []*corev1.Pod{leaving, pod("b", 5, "n2")}},
			"preempting 1 pod from n1, which of 2 candidates has the lowest priority of its most important victim: 1, where the next has 5"},
		{"does not wait for a node that would not take it",
			situation{pod: nominated("closed"), nodes: []*corev1.Node{closed, node("n1")}, running: []*corev1.Pod{pod("b", 5, "n1")}},
			"preempting 1 pod from n1, the only candidate"},
		{"does not wait for a node that has gone",
			situation{pod: nominated("n9"), nodes: both[:1], running: []*corev1.Pod{pod("b", 5, "n1")}},
			"preempting 1 pod from n1, the only candidate"},
		{"needs nodes",
			situation{pod: pod("urgent", 9, "")},
			"Error: no nodes available (ends the nomination: false)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := says(test.plan(t)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestHowManyCandidatesAreEnough(t *testing.T) {
	for _, test := range []struct {
		name                         string
		nodes                        int
		percentage, absolute, enough int32
	}{
		{"the percentage", 50, 10, 1, 5},
		{"or the number, if that is more", 50, 10, 20, 20},
		{"but not more than there are", 50, 10, 100, 50},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := situation{pod: pod("urgent", 9, ""), percentage: test.percentage, absolute: test.absolute}
			for i := range test.nodes {
				name := fmt.Sprintf("n%d", i)
				s.nodes, s.running = append(s.nodes, node(name)), append(s.running, pod("on-"+name, 1, name))
			}
			if got := len(s.plan(t).Candidates); got != int(test.enough) {
				t.Errorf("got %d candidates, want %d", got, test.enough)
			}
		})
	}
}

// opinion is an extender with an opinion on preemption.
type opinion struct {
	fwk.Extender
	name      string
	ignorable bool
	says      func(map[string]*extenderv1.Victims) (map[string]*extenderv1.Victims, error)
}

func (o opinion) Name() string                  { return o.name }
func (o opinion) IsIgnorable() bool             { return o.ignorable }
func (o opinion) SupportsPreemption() bool      { return o.says != nil }
func (o opinion) IsInterested(*corev1.Pod) bool { return o.name != "bored" }
func (o opinion) ProcessPreemption(_ *corev1.Pod, victims map[string]*extenderv1.Victims, _ fwk.NodeInfoLister) (map[string]*extenderv1.Victims, error) {
	return o.says(victims)
}

func TestExtendersAreConsulted(t *testing.T) {
	type victims = map[string]*extenderv1.Victims
	without := func(node string) func(victims) (victims, error) {
		return func(proposed victims) (victims, error) {
			delete(proposed, node)
			return proposed, nil
		}
	}
	fails := func(victims) (victims, error) { return nil, errors.New("busy") }
	forgets := func(proposed victims) (victims, error) {
		proposed["n2"] = &extenderv1.Victims{}
		return proposed, nil
	}
	for _, test := range []struct {
		name      string
		extenders []fwk.Extender
		want      string
	}{
		{"leave out a node", []fwk.Extender{opinion{name: "x", says: without("n2")}}, "preempting 1 pod from n1, the only candidate"},
		{"leave out all nodes, one after the other", []fwk.Extender{opinion{name: "x", says: without("n2")}, opinion{name: "y", says: without("n1")}, opinion{name: "z", says: fails}},
			"Unschedulable: no candidate node for preemption (ends the nomination: false)"},
		{"are not asked where they are not interested or have no say", []fwk.Extender{opinion{name: "bored", says: fails}, opinion{name: "mute"}},
			"preempting 1 pod from n2, which of 2 candidates has the lowest priority of its most important victim: 3, where the next has 5"},
		{"fail the attempt when they fail", []fwk.Extender{opinion{name: "x", says: fails}},
			"Error: asking extender x about preemption: busy (ends the nomination: false)"},
		{"are left out when they fail and are ignorable", []fwk.Extender{opinion{name: "x", ignorable: true, says: fails}},
			"preempting 1 pod from n2, which of 2 candidates has the lowest priority of its most important victim: 3, where the next has 5"},
		{"have to name a victim", []fwk.Extender{opinion{name: "x", says: forgets}},
			`Error: asking extender x about preemption: expected at least one victim pod on node "n2" (ends the nomination: false)`},
		{"leave out a node without a victim where they are ignorable", []fwk.Extender{opinion{name: "x", ignorable: true, says: forgets}},
			"preempting 1 pod from n1, the only candidate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := situation{
				pod: pod("urgent", 9, ""), nodes: []*corev1.Node{node("n1"), node("n2")},
				running: []*corev1.Pod{pod("a", 5, "n1"), pod("b", 3, "n2")}, extenders: test.extenders,
			}
			if got := says(s.plan(t)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestPreEnqueueLetsPodsPassThatPreemptNobody(t *testing.T) {
	s := situation{}
	plugin, _, err := s.plugin(t)
	if err != nil {
		t.Fatal(err)
	}
	if status := plugin.PreEnqueue(t.Context(), pod("web", 1, "")); !status.IsSuccess() {
		t.Errorf("got %v", status)
	}
}

func TestADeletedPodIsNoHint(t *testing.T) {
	s := situation{}
	plugin, _, err := s.plugin(t)
	if err != nil {
		t.Fatal(err)
	}
	registered, err := plugin.EventsToRegister(t.Context())
	if err != nil || len(registered) != 1 {
		t.Fatalf("got %v and the error %v, want one event", registered, err)
	}
	want := fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}
	if diff := cmp.Diff(want, registered[0].Event); diff != "" {
		t.Errorf("the event differs (-want +got):\n%s", diff)
	}
	hint, err := registered[0].QueueingHintFn(klog.Background(), pod("web", 9, ""), pod("gone", 1, "n1"), nil)
	if err != nil || hint != fwk.QueueSkip {
		t.Errorf("got the hint %v and the error %v, want %v", hint, err, fwk.QueueSkip)
	}
}

func TestArgumentsHaveToBeComplete(t *testing.T) {
	for name, args := range map[string]runtime.Object{
		"expected DefaultPreemptionArgs, got *v1.NodeAffinityArgs":               &configv1.NodeAffinityArgs{},
		"minCandidateNodesPercentage and minCandidateNodesAbsolute are required": &configv1.DefaultPreemptionArgs{},
	} {
		if _, err := defaultpreemption.Factory(nil)(t.Context(), args, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got the error %v, want one with %q", err, name)
		}
	}
}
