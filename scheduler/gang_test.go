package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
)

// gang creates a pod group of which at least minCount pods have to have a place.
func (p *plane) gang(name string, minCount int32, changes ...func(*oschedulingv1beta1.PodGroup)) *oschedulingv1beta1.PodGroup {
	p.t.Helper()
	group := &oschedulingv1beta1.PodGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name},
		Spec: schedulingv1beta1.PodGroupSpec{SchedulingPolicy: schedulingv1beta1.PodGroupSchedulingPolicy{
			Gang: &schedulingv1beta1.GangSchedulingPolicy{MinCount: minCount},
		}},
	}
	for _, change := range changes {
		change(group)
	}
	if err := p.client.Create(p.t.Context(), group); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := p.client.DeleteAllOf(context.Background(), &ocorev1.Pod{}, client.InNamespace(p.namespace), client.GracePeriodSeconds(0)); err != nil {
			p.t.Errorf("deleting pods: %v", err)
		}
		if err := p.client.Delete(context.Background(), group); client.IgnoreNotFound(err) != nil {
			p.t.Errorf("deleting pod group %s: %v", name, err)
		}
	})
	return group
}

func inGroup(name string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &name}
	}
}

// members creates the pods of a group, each of which asks for 1 CPU.
func (p *plane) members(group string, count int, changes ...func(*ocorev1.Pod)) []*ocorev1.Pod {
	p.t.Helper()
	var pods []*ocorev1.Pod
	for i := range count {
		pods = append(pods, p.pod(fmt.Sprintf("%s-%d", group, i), "1", append(changes, inGroup(group))...))
	}
	return pods
}

func (p *plane) eventuallyAllBound(pods []*ocorev1.Pod) {
	p.t.Helper()
	for _, pod := range pods {
		p.eventuallyBound(pod, "")
	}
}

// eventuallyAllRefused waits until each pod says that it is unschedulable with one of the messages.
func (p *plane) eventuallyAllRefused(pods []*ocorev1.Pod, messages ...string) {
	p.t.Helper()
	for _, pod := range pods {
		p.eventually(func() error {
			if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
				return err
			}
			var errs []string
			for _, message := range messages {
				err := p.condition(pod, corev1.ConditionFalse, corev1.PodReasonUnschedulable, message)
				if err == nil {
					return nil
				}
				errs = append(errs, err.Error())
			}
			return fmt.Errorf("pod %s: %s", pod.Name, strings.Join(errs, "; "))
		})
	}
}

func (p *plane) noneBound(pods []*ocorev1.Pod) {
	p.t.Helper()
	for _, pod := range pods {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			p.t.Fatal(err)
		}
		if pod.Spec.NodeName != "" {
			p.t.Errorf("pod %s is on node %s, want none", pod.Name, pod.Spec.NodeName)
		}
	}
}

func (p *plane) eventuallyInitiallyScheduled(group *oschedulingv1beta1.PodGroup, status metav1.ConditionStatus, reason, message string) {
	p.t.Helper()
	p.eventually(func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(group), group); err != nil {
			return err
		}
		found := apimeta.FindStatusCondition(group.Status.Conditions, schedulingv1beta1.PodGroupInitiallyScheduled)
		if found == nil || found.Status != status || found.Reason != reason || found.Message != message {
			return fmt.Errorf("condition of %s is %+v, want %s %s %q", group.Name, found, status, reason, message)
		}
		return nil
	})
}

// noVictims is what preemption says where all pods are as important as the group.
const noVictims = "pod group preemption: No preemption victims found for incoming preemptor"

func TestGangIsPlacedWholeOrNotAtAll(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("node-1", "1")
		p.node("node-2", "1")
		group := p.gang("trio", 3)
		pods := p.members("trio", 3)
		why := "minCount (3) cannot be satisfied: 2 scheduled, 0 remaining"
		p.eventuallyInitiallyScheduled(group, metav1.ConditionFalse, "Unschedulable", why+", "+noVictims)
		p.eventuallyAllRefused(pods, "0/2 nodes are available: 2 Insufficient cpu.", "pod group is unschedulable, "+why+", "+noVictims)
		p.noneBound(pods)
		p.node("node-3", "1")
		p.eventuallyAllBound(pods)
		p.eventuallyInitiallyScheduled(group, metav1.ConditionTrue, "Scheduled", "")
	})
}

func TestGangsThatCompete(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("node-1", "2")
		p.node("node-2", "2")
		p.gang("first", 3)
		p.gang("second", 3)
		first, second := p.members("first", 3), p.members("second", 3)
		var winner, loser []*ocorev1.Pod
		p.eventually(func() error {
			for _, both := range [][2][]*ocorev1.Pod{{first, second}, {second, first}} {
				if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(both[0][0]), both[0][0]); err != nil {
					return err
				}
				if both[0][0].Spec.NodeName != "" {
					winner, loser = both[0], both[1]
					return nil
				}
			}
			return errors.New("neither gang is bound")
		})
		p.eventuallyAllBound(winner)
		why := "minCount (3) cannot be satisfied: 1 scheduled, 1 remaining"
		p.eventuallyAllRefused(loser, "0/2 nodes are available: 2 Insufficient cpu.", why,
			"pod group is unschedulable, "+why+", "+noVictims)
		p.noneBound(loser)
		for _, pod := range winner {
			if err := p.client.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
				t.Fatal(err)
			}
		}
		p.eventuallyAllBound(loser)
	})
}

// asImportantAs gives a group the priority that a class gives to pods.
func asImportantAs(class func(*ocorev1.Pod)) func(*oschedulingv1beta1.PodGroup) {
	pod := &ocorev1.Pod{}
	class(pod)
	return func(group *oschedulingv1beta1.PodGroup) {
		group.Spec.PriorityClassName, group.Spec.Priority = pod.Spec.PriorityClassName, pod.Spec.Priority
	}
}

func (p *plane) eventuallyGone(pods ...*ocorev1.Pod) {
	p.t.Helper()
	for _, pod := range pods {
		p.eventually(func() error { return p.gone(pod) })
	}
}

func TestGangPreempts(t *testing.T) {
	t.Run("as many pods as it needs, and none that is as important", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			low, high := p.class(10, corev1.PreemptLowerPriority), p.class(1000, corev1.PreemptLowerPriority)
			for i := range 3 {
				p.node(fmt.Sprintf("node-%d", i), "1")
			}
			precious := p.pod("precious", "1", high)
			p.eventuallyBound(precious, "")
			others := []*ocorev1.Pod{p.pod("low-1", "1", low), p.pod("low-2", "1", low)}
			p.eventuallyAllBound(others)
			group := p.gang("pair", 2, asImportantAs(high))
			pair := p.members("pair", 2, high)
			p.eventuallyGone(others...)
			p.eventuallyAllBound(pair)
			p.unharmed(precious)
			p.eventuallyEvent(others[0], "Preempted", fmt.Sprintf("Preempted by podgroup %s on node cluster", group.UID))
		})
	})
	t.Run("a gang that goes as a whole, whole", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			low, high := p.class(10, corev1.PreemptLowerPriority), p.class(1000, corev1.PreemptLowerPriority)
			p.node("node-1", "1")
			p.node("node-2", "1")
			p.gang("whole", 2, asImportantAs(low), func(group *oschedulingv1beta1.PodGroup) {
				group.Spec.DisruptionMode = &schedulingv1beta1.DisruptionMode{All: &schedulingv1beta1.AllDisruptionMode{}}
			})
			whole := p.members("whole", 2, low)
			p.eventuallyAllBound(whole)
			p.gang("single", 1, asImportantAs(high))
			single := p.members("single", 1, high)
			p.eventuallyGone(whole...)
			p.eventuallyAllBound(single)
		})
	})
}

func TestGangWhoseMemberTimesOutGivesBackAllPlaces(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("only", "3")
		p.gang("trio", 3)
		pods := append(p.members("trio", 2), p.pod("trio-doubtful", "1", inGroup("trio"), func(pod *ocorev1.Pod) {
			pod.Labels = map[string]string{"wait": "1s"}
		}))
		p.eventuallyAllRefused(pods,
			"0/1 nodes are available: 1 rejected due to timeout after waiting 1s at plugin Patient.",
			"0/1 nodes are available: 1 rejected with its pod group while waiting on permit: 3 pods needed, 1 of 3 rejected.")
		p.noneBound(pods)
		large := p.pod("large", "3")
		p.eventuallyBound(large, "only")
		p.noneBound(pods)
	}, withPlugin("Patient", newPatient))
}
