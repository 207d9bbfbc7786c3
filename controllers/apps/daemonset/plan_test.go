package daemonset

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

type setChange = func(*oappsv1.DaemonSet)

// on is a pod of the newest revision on a node, an hour old.
func on(set *oappsv1.DaemonSet, node string, changes ...func(*ocorev1.Pod)) *ocorev1.Pod {
	labels := map[string]string{appsv1.DefaultDaemonSetUniqueLabelKey: newest(set).Labels[appsv1.DefaultDaemonSetUniqueLabelKey]}
	all := append([]func(*ocorev1.Pod){gen.On(node), gen.Created(gen.Ago(time.Hour)), func(pod *ocorev1.Pod) { pod.Labels = labels }}, changes...)
	return gen.Pod("web-"+node, all...)
}

var available = gen.Ready(gen.Ago(time.Minute))

func outdated(pod *ocorev1.Pod) {
	pod.Labels = map[string]string{appsv1.DefaultDaemonSetUniqueLabelKey: "older"}
	pod.Name += "-old"
}

func named(name string) func(*ocorev1.Pod) { return func(pod *ocorev1.Pod) { pod.Name = name } }

// limits sets how many pods may be unavailable, and how many nodes may have a second one.
func limits(unavailable, surge string) setChange {
	return func(set *oappsv1.DaemonSet) {
		u, s := intstr.Parse(unavailable), intstr.Parse(surge)
		set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &u, MaxSurge: &s}
	}
}

func nodes(names ...string) []*ocorev1.Node {
	var all []*ocorev1.Node
	for _, name := range names {
		all = append(all, gen.Node(name))
	}
	return all
}

func worldOf(set *oappsv1.DaemonSet, nodes []*ocorev1.Node, pods ...*ocorev1.Pod) world {
	revision := newest(set)
	revision.Revision = 1
	revision.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))}
	return world{
		nodes: nodes, pods: ownership.Claims[*ocorev1.Pod]{Held: pods}, failing: map[string]time.Time{},
		revisions: ownership.Claims[*oappsv1.ControllerRevision]{Held: []*oappsv1.ControllerRevision{revision}}, namesake: revision,
	}
}

// steps are a plan in prose, without the status.
func steps(p *plan.Plan) []string {
	var out []string
	for line := range strings.SplitSeq(p.String(), "\n") {
		if !strings.HasPrefix(line, "status ") && line != "nothing to do" {
			out = append(out, line)
		}
	}
	return out
}

func TestADaemonSetThatDoesNotSelectItsOwnPodsMakesNone(t *testing.T) {
	set := gen.DaemonSet("web", func(set *oappsv1.DaemonSet) {
		set.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "others"}}
	})
	p := (Controller{}).Plan(set, world{nodes: []*ocorev1.Node{gen.Node("a")}}, gen.Now)
	if want := "nothing to do: `selector` does not match template `labels`"; p.String() != want {
		t.Errorf("the plan is %q, want %q", p, want)
	}
}

func TestPlan(t *testing.T) {
	set := func(changes ...setChange) *oappsv1.DaemonSet { return gen.DaemonSet("web", changes...) }
	s := set()
	tainted := gen.Node("t", gen.Tainted("example.com/mine", corev1.TaintEffectNoSchedule, 0))
	evicting := gen.Node("t", gen.Tainted("example.com/mine", corev1.TaintEffectNoExecute, 0))
	cordoned := gen.Node("c", gen.Tainted(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule, 0))
	selective := set(func(set *oappsv1.DaemonSet) { set.Spec.Template.Spec.NodeSelector = map[string]string{"disk": "ssd"} })
	younger := gen.Created(gen.Ago(time.Minute))
	for _, tt := range []struct {
		name  string
		set   *oappsv1.DaemonSet
		nodes []*ocorev1.Node
		pods  []*ocorev1.Pod
		want  []string
	}{
		{"puts a pod on each node", s, nodes("a", "b"), nil, []string{"create 2 Pods (default/web-*): 2 nodes have no pod that is to be there"}},
		{"leaves one that is there", s, nodes("a"), []*ocorev1.Pod{on(s, "a", available)}, nil},
		{"puts none where a taint is against it", s, []*ocorev1.Node{tainted}, nil, nil},
		{"leaves one where a taint came later", s, []*ocorev1.Node{tainted}, []*ocorev1.Pod{on(s, "t", available)}, nil},
		{"takes one away where a taint evicts", s, []*ocorev1.Node{evicting}, []*ocorev1.Pod{on(s, "t", available)}, []string{"delete Pod default/web-t: 1 pods have to go"}},
		{"puts one on a node that is cordoned", s, []*ocorev1.Node{cordoned}, nil, []string{"create Pod default/web-*: 1 nodes have no pod that is to be there"}},
		{"puts none where the selector is against it", selective, nodes("a"), nil, nil},
		{"takes one away from a node that is gone", s, nil, []*ocorev1.Pod{on(s, "a", available)}, []string{"delete Pod default/web-a: 1 pods have to go"}},
		{"leaves the oldest of several", s, nodes("a"), []*ocorev1.Pod{on(s, "a", available), on(s, "a", available, named("more"), younger)},
			[]string{"delete Pod default/more: 1 pods have to go"}},
		{"makes one that succeeded anew", s, nodes("a"), []*ocorev1.Pod{on(s, "a", gen.Phase(corev1.PodSucceeded))},
			[]string{"event Normal SucceededDaemonPod for DaemonSet default/web: Found succeeded daemon pod default/web-a on node a, will try to delete it", "delete Pod default/web-a: 1 pods have to go"}},
		{"makes one that failed anew", s, nodes("a"), []*ocorev1.Pod{on(s, "a", gen.Phase(corev1.PodFailed))},
			[]string{"event Warning FailedDaemonPod for DaemonSet default/web: Found failed daemon pod default/web-a on node a, will try to kill it", "delete Pod default/web-a: 1 pods have to go"}},
		{"rolls as many as may be missing", s, nodes("a", "b"), []*ocorev1.Pod{on(s, "a", available, outdated), on(s, "b", available, outdated)},
			[]string{"delete Pod default/web-a-old: 1 pods have to go"}},
		{"rolls none while as many are missing", s, nodes("a", "b"), []*ocorev1.Pod{on(s, "a"), on(s, "b", available, outdated)}, nil},
		{"rolls what is broken anyway", s, nodes("a", "b"), []*ocorev1.Pod{on(s, "a"), on(s, "b", outdated)}, []string{"delete Pod default/web-b-old: 1 pods have to go"}},
		{"rolls a part of them, rounded up", set(limits("50%", "0")), nodes("a", "b", "c"), []*ocorev1.Pod{on(s, "a", available, outdated), on(s, "b", available, outdated), on(s, "c", available, outdated)},
			[]string{"delete 2 Pods (default/web-a-old, default/web-b-old): 2 pods have to go"}},
		{"rolls none itself under OnDelete", set(func(set *oappsv1.DaemonSet) {
			set.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}
		}),
			nodes("a"), []*ocorev1.Pod{on(s, "a", available, outdated)}, nil},
		{"puts a second one beside the old, if it may", set(limits("0", "1")), nodes("a", "b"), []*ocorev1.Pod{on(s, "a", available, outdated), on(s, "b", available, outdated)},
			[]string{"create Pod default/web-*: 1 nodes have no pod that is to be there"}},
		{"waits for the second one", set(limits("0", "1")), nodes("a", "b"), []*ocorev1.Pod{on(s, "a", available, outdated), on(s, "a", named("new"), younger), on(s, "b", available, outdated)}, nil},
		{"takes the old one away then", set(limits("0", "1")), nodes("a"), []*ocorev1.Pod{on(s, "a", available, outdated), on(s, "a", available, named("new"), younger)},
			[]string{"delete Pod default/web-a-old: 1 pods have to go"}},
		{"does nothing while it is being deleted", set(gen.Deleted), nodes("a"), nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, steps((Controller{}).Plan(tt.set, worldOf(tt.set, tt.nodes, tt.pods...), gen.Now))); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFailedPodLiesAboutForAsLongAsNoneWasReadyBefore(t *testing.T) {
	for _, tt := range []struct {
		name          string
		failing, made time.Duration // ago
		want          time.Duration
	}{
		{"a second at first", 0, 0, time.Second},
		{"as long as it went on before it was made", 5 * time.Minute, 2 * time.Minute, time.Minute},
		{"a quarter of an hour at most", 5 * time.Hour, time.Minute, 14 * time.Minute},
		{"no longer when that is over", 5 * time.Minute, 4 * time.Minute, -3 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pl := &place{failing: gen.Ago(tt.failing).Time, pods: []*ocorev1.Pod{gen.Pod("p", gen.Created(gen.Ago(tt.made)))}}
			if got := pl.backoff(gen.Now); got != tt.want {
				t.Errorf("it waits for %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAPodIsForItsNode(t *testing.T) {
	set := gen.DaemonSet("web", func(set *oappsv1.DaemonSet) {
		set.Spec.Template.Spec.HostNetwork = true
		set.Spec.Template.Spec.NodeSelector = map[string]string{"disk": "ssd"}
	})
	pod := places{set: set, hash: "h"}.podFor("a")
	if nodeOf(pod) != "a" || pod.Spec.NodeName != "" || pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] != "h" || pod.Spec.NodeSelector["disk"] != "ssd" {
		t.Errorf("the pod is for node %q, with labels %v", nodeOf(pod), pod.Labels)
	}
	var keys []string
	for _, toleration := range pod.Spec.Tolerations {
		keys = append(keys, strings.TrimPrefix(toleration.Key, "node.kubernetes.io/")+":"+string(toleration.Effect))
	}
	want := []string{"not-ready:NoExecute", "unreachable:NoExecute", "disk-pressure:NoSchedule", "memory-pressure:NoSchedule", "pid-pressure:NoSchedule",
		"unschedulable:NoSchedule", "network-unavailable:NoSchedule"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("it tolerates (-want +got):\n%s", diff)
	}
}

func TestStatus(t *testing.T) {
	set := gen.DaemonSet("web", func(set *oappsv1.DaemonSet) { set.Spec.MinReadySeconds = 30 })
	all := append(nodes("a", "b", "c", "d"), gen.Node("t", gen.Tainted("example.com/mine", corev1.TaintEffectNoSchedule, 0)))
	w := worldOf(set, all, on(set, "a", available), on(set, "b", gen.Ready(gen.Ago(time.Second))), on(set, "c", outdated), on(set, "t", available), on(set, "gone"))
	want := appsv1.DaemonSetStatus{
		ObservedGeneration: 1, DesiredNumberScheduled: 4, CurrentNumberScheduled: 3, NumberMisscheduled: 1, NumberReady: 2,
		NumberAvailable: 1, NumberUnavailable: 3, UpdatedNumberScheduled: 2,
	}
	hash := newest(set).Labels[appsv1.DefaultDaemonSetUniqueLabelKey]
	if diff := cmp.Diff(want, newPlaces(set, w, hash, gen.Now).status()); diff != "" {
		t.Errorf("the status is not as wanted (-want +got):\n%s", diff)
	}
}
