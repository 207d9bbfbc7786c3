package preemption_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/preemption"
)

// groups is a snapshot of which only the pod groups and their pods are looked at.
type groups struct {
	fwk.SharedLister
	known   map[string]*schedulingv1beta1.PodGroup
	members map[string][]*corev1.Pod
}

var errUnknown = errors.New("unknown")

func (g groups) PodGroups() fwk.PodGroupLister           { return groupLister(g) }
func (g groups) PodGroupStates() fwk.PodGroupStateLister { return stateLister(g) }

type groupLister groups

func (g groupLister) Get(_, name string) (*schedulingv1beta1.PodGroup, error) {
	if group, found := g.known[name]; found {
		return group, nil
	}
	return nil, errUnknown
}

type stateLister groups

func (g stateLister) Get(_, name string) (fwk.PodGroupState, error) {
	if pods, found := g.members[name]; found {
		return scheduled{pods: pods}, nil
	}
	return nil, errUnknown
}

type scheduled struct {
	fwk.PodGroupState
	pods []*corev1.Pod
}

func (s scheduled) ScheduledPods() []*corev1.Pod { return s.pods }
func (s scheduled) ScheduledPodsCount() int      { return len(s.pods) }

func TestVictims(t *testing.T) {
	on := func(node, group, name string, priority int32) *corev1.Pod {
		pod := pod(name, priority, 1)
		pod.Spec.NodeName = node
		if group != "" {
			pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group}
		}
		return pod
	}
	group := func(name string, priority *int32, mode *schedulingv1beta1.DisruptionMode) *schedulingv1beta1.PodGroup {
		return &schedulingv1beta1.PodGroup{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
			Spec:       schedulingv1beta1.PodGroupSpec{Priority: priority, DisruptionMode: mode},
		}
	}
	whole := &schedulingv1beta1.DisruptionMode{All: &schedulingv1beta1.AllDisruptionMode{}}
	apart := &schedulingv1beta1.DisruptionMode{Single: &schedulingv1beta1.SingleDisruptionMode{}}
	here := []*corev1.Pod{
		on("n1", "", "plain", 3), on("n1", "", "important", 9),
		on("n1", "whole", "whole1", 99), on("n1", "whole", "whole2", 99),
		on("n1", "apart", "apart1", 0), on("n1", "apart", "apart2", 0),
		on("n1", "high", "high1", 0), on("n1", "lost", "lost1", 2), on("n1", "stateless", "stateless1", 0),
	}
	elsewhere := on("n2", "whole", "whole3", 99)
	snapshot := groups{
		known: map[string]*schedulingv1beta1.PodGroup{
			"whole": group("whole", ptr.To[int32](4), whole), "apart": group("apart", nil, apart),
			"high": group("high", ptr.To[int32](5), whole), "stateless": group("stateless", ptr.To[int32](1), whole),
		},
		members: map[string][]*corev1.Pod{"whole": {here[2], here[3], elsewhere}},
	}
	var got []string
	for _, victim := range preemption.Victims(snapshot, []fwk.NodeInfo{nodeinfo.New(here...), nodeinfo.New(elsewhere)}, 5, noon) {
		line := string(victim.Kind) + " of priority " + string('0'+victim.Priority) + ":"
		for _, pod := range victim.Pods {
			line += " " + pod.GetPod().Name
		}
		got = append(got, line)
	}
	want := []string{
		"pod of priority 3: plain",
		"podgroup of priority 4: whole1 whole2 whole3", // Once, with those elsewhere, and with the group's priority.
		"podgroup of priority 0: apart1",
		"podgroup of priority 0: apart2",
		"podgroup of priority 2: lost1", // With its own priority, because the group's is not known.
		"podgroup of priority 1: stateless1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("victims differ (-want +got):\n%s", diff)
	}
	candidate := (&preemption.Selection{Victims: preemption.Victims(snapshot, []fwk.NodeInfo{nodeinfo.New(here...)}, 5, noon)}).Candidate("n1")
	if candidate.Groups != 5 || len(candidate.Pods) != 8 || !strings.HasPrefix(candidate.Pods[1].Name, "whole") {
		t.Errorf("as a candidate: %d groups and %d pods, want 5 and 8", candidate.Groups, len(candidate.Pods))
	}
}
