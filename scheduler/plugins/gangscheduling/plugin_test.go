package gangscheduling

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/podgroups"
)

// handle has groups, and counts what the plugin does.
type handle struct {
	fwk.Handle
	fwk.SharedLister
	groups    *podgroups.Groups
	activated int
}

func (h *handle) PodGroupManager() fwk.PodGroupManager                { return h.groups }
func (h *handle) SnapshotSharedLister() fwk.SharedLister              { return h }
func (h *handle) PodGroups() fwk.PodGroupLister                       { return h.groups.PodGroups() }
func (h *handle) Activate(_ klog.Logger, pods map[string]*corev1.Pod) { h.activated += len(pods) }
func (h *handle) IterateOverWaitingPods(func(fwk.WaitingPod))         {}

func newPod(name, group string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	if group != "" {
		pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group}
	}
	return pod
}

func gang(name string, minCount int32) *schedulingv1beta1.PodGroup {
	group := &schedulingv1beta1.PodGroup{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	group.Spec.SchedulingPolicy.Gang = &schedulingv1beta1.GangSchedulingPolicy{MinCount: minCount}
	return group
}

func newTestPlugin(groups ...*schedulingv1beta1.PodGroup) (*Plugin, *handle) {
	h := &handle{groups: podgroups.New()}
	h.groups.Serve()
	for _, group := range groups {
		h.groups.SetGroup(group)
	}
	return &Plugin{handle: h}, h
}

func TestPreEnqueue(t *testing.T) {
	basic := gang("basic", 0)
	basic.Spec.SchedulingPolicy = schedulingv1beta1.PodGroupSchedulingPolicy{Basic: &schedulingv1beta1.BasicSchedulingPolicy{}}
	for _, test := range []struct {
		name, group string
		pods        int
		want        string
	}{
		{"lets a pod without a group pass", "", 1, ""},
		{"holds a pod whose group does not exist", "late", 1, `waiting for pods's pod group "late" to appear in scheduling queue`},
		{"holds the pods of a gang that is not complete", "trio", 2, "waiting for minCount pods from a gang to appear in scheduling queue"},
		{"lets the pods of a complete gang pass", "trio", 3, ""},
		{"lets the pods of a basic group pass", "basic", 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			plugin, h := newTestPlugin(gang("trio", 3), basic)
			for i := range test.pods {
				h.groups.SetPod(newPod(string(rune('a'+i)), test.group))
			}
			if got := plugin.PreEnqueue(t.Context(), newPod("a", test.group)).Message(); got != test.want {
				t.Errorf("the pod is told %q, want %q", got, test.want)
			}
		})
	}
	t.Run("lets every pod pass where the API server has no groups", func(t *testing.T) {
		plugin := &Plugin{handle: &handle{groups: podgroups.New()}}
		if status := plugin.PreEnqueue(t.Context(), newPod("a", "g")); !status.IsSuccess() {
			t.Errorf("the pod is told %q, want nothing", status.Message())
		}
	})
}

func TestPermit(t *testing.T) {
	plugin, h := newTestPlugin(gang("pair", 2))
	a, b := newPod("a", "pair"), newPod("b", "pair")
	h.groups.SetPod(a)
	h.groups.SetPod(b)
	h.groups.Assume(a)
	status, wait := plugin.Permit(t.Context(), nil, a, "node")
	if !status.IsWait() || wait != 5*time.Minute || h.activated != 1 {
		t.Errorf("the first of two: %v for %v, and %d others activated; want Wait for 5 min and 1", status.Code(), wait, h.activated)
	}
	h.groups.Assume(b)
	if status, _ := plugin.Permit(t.Context(), nil, b, "node"); !status.IsSuccess() {
		t.Errorf("the second of two: %v, want Success", status.Code())
	}
	if status, _ := plugin.Permit(t.Context(), nil, newPod("single", ""), "node"); !status.IsSuccess() {
		t.Errorf("a pod without a group: %v, want Success", status.Code())
	}
	if status, _ := plugin.Permit(t.Context(), nil, newPod("lost", "gone"), "node"); status.Code() != fwk.Error {
		t.Errorf("a pod whose group has gone: %v, want Error", status.Code())
	}
}

// groupInfo is a group that is being decided on.
type groupInfo struct {
	fwk.PodGroupInfo
	group *schedulingv1beta1.PodGroup
}

func (g groupInfo) GetPodGroup() *schedulingv1beta1.PodGroup { return g.group }

func TestPlacementFeasible(t *testing.T) {
	for _, test := range []struct {
		name                 string
		scheduled, remaining int
		code                 fwk.Code
		message              string
	}{
		{"enough have a place", 3, 0, fwk.Success, ""},
		{"enough may have one", 2, 1, fwk.Wait, "minCount (3) is not yet satisfied: 2 scheduled, 1 remaining"},
		{"too few are left", 1, 1, fwk.Unschedulable, "minCount (3) cannot be satisfied: 1 scheduled, 1 remaining"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status := (&Plugin{}).PlacementFeasible(t.Context(), nil, groupInfo{group: gang("trio", 3)},
				framework.PlacementProgress{Scheduled: test.scheduled, Remaining: test.remaining})
			if status.Code() != test.code || status.Message() != test.message {
				t.Errorf("the answer is %v %q, want %v %q", status.Code(), status.Message(), test.code, test.message)
			}
		})
	}
}

func TestHints(t *testing.T) {
	for _, test := range []struct {
		name     string
		hint     fwk.QueueingHintFn
		old, new any
		want     fwk.QueueingHint
	}{
		{"one more of the same group helps", afterPod, nil, newPod("b", "trio"), fwk.Queue},
		{"one of another group does not", afterPod, nil, newPod("b", "pair"), fwk.QueueSkip},
		{"one without a group does not", afterPod, nil, newPod("b", ""), fwk.QueueSkip},
		{"the group itself helps", afterGroup, nil, gang("trio", 3), fwk.Queue},
		{"another group does not", afterGroup, nil, gang("pair", 3), fwk.QueueSkip},
		{"a lower minCount helps", afterGroupUpdate, gang("trio", 3), gang("trio", 2), fwk.Queue},
		{"a higher minCount does not", afterGroupUpdate, gang("trio", 3), gang("trio", 4), fwk.QueueSkip},
		{"a lower minCount of another group does not", afterGroupUpdate, gang("pair", 3), gang("pair", 2), fwk.QueueSkip},
	} {
		t.Run(test.name, func(t *testing.T) {
			hint, err := test.hint(klog.Background(), newPod("a", "trio"), test.old, test.new)
			if err != nil || hint != test.want {
				t.Errorf("the hint is %v (%v), want %v", hint, err, test.want)
			}
		})
	}
}
