package scheduler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	k8scorev1 "k8s.io/api/core/v1"
	k8sschedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	schedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
)

// gang creates a pod group of which at least minCount pods have to have a place.
func (p *plane) gang(name string, minCount int32, changes ...func(*schedulingv1beta1.PodGroup)) *schedulingv1beta1.PodGroup {
	p.t.Helper()
	group := &schedulingv1beta1.PodGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name},
		Spec: k8sschedulingv1beta1.PodGroupSpec{SchedulingPolicy: k8sschedulingv1beta1.PodGroupSchedulingPolicy{
			Gang: &k8sschedulingv1beta1.GangSchedulingPolicy{MinCount: minCount},
		}},
	}
	for _, change := range changes {
		change(group)
	}
	if err := p.client.Create(p.t.Context(), group); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := p.client.DeleteAllOf(context.Background(), &corev1.Pod{}, client.InNamespace(p.namespace), client.GracePeriodSeconds(0)); err != nil {
			p.t.Errorf("deleting pods: %v", err)
		}
		if err := p.client.Delete(context.Background(), group); client.IgnoreNotFound(err) != nil {
			p.t.Errorf("deleting pod group %s: %v", name, err)
		}
	})
	return group
}

func inGroup(name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.SchedulingGroup = &k8scorev1.PodSchedulingGroup{PodGroupName: &name}
	}
}

// members creates the pods of a group, each of which asks for 1 CPU.
func (p *plane) members(group string, count int, changes ...func(*corev1.Pod)) []*corev1.Pod {
	p.t.Helper()
	var pods []*corev1.Pod
	for i := range count {
		pods = append(pods, p.pod(fmt.Sprintf("%s-%d", group, i), "1", append(changes, inGroup(group))...))
	}
	return pods
}

func (p *plane) eventuallyAllBound(pods []*corev1.Pod) {
	p.t.Helper()
	for _, pod := range pods {
		p.eventuallyBound(pod, "")
	}
}

// eventuallyAllRefused waits until each pod says that it is unschedulable with one of the messages.
func (p *plane) eventuallyAllRefused(pods []*corev1.Pod, messages ...string) {
	p.t.Helper()
	for _, pod := range pods {
		p.eventually(func() error {
			if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
				return err
			}
			var errs []string
			for _, message := range messages {
				err := p.condition(pod, k8scorev1.ConditionFalse, k8scorev1.PodReasonUnschedulable, message)
				if err == nil {
					return nil
				}
				errs = append(errs, err.Error())
			}
			return fmt.Errorf("pod %s: %s", pod.Name, strings.Join(errs, "; "))
		})
	}
}

func (p *plane) noneBound(pods []*corev1.Pod) {
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

func (p *plane) eventuallyInitiallyScheduled(group *schedulingv1beta1.PodGroup, status metav1.ConditionStatus, reason, message string) {
	p.t.Helper()
	p.eventually(func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(group), group); err != nil {
			return err
		}
		found := apimeta.FindStatusCondition(group.Status.Conditions, k8sschedulingv1beta1.PodGroupInitiallyScheduled)
		if found == nil || found.Status != status || found.Reason != reason || found.Message != message {
			return fmt.Errorf("condition of %s is %+v, want %s %s %q", group.Name, found, status, reason, message)
		}
		return nil
	})
}

func TestGangIsPlacedWholeOrNotAtAll(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("node-1", "1")
		p.node("node-2", "1")
		group := p.gang("trio", 3)
		pods := p.members("trio", 3)
		why := "minCount (3) cannot be satisfied: 2 scheduled, 0 remaining"
		p.eventuallyInitiallyScheduled(group, metav1.ConditionFalse, "Unschedulable", why+", ")
		p.eventuallyAllRefused(pods, "0/2 nodes are available: 2 Insufficient cpu.", "pod group is unschedulable, "+why+", ")
		p.noneBound(pods)
		p.node("node-3", "1")
		p.eventuallyAllBound(pods)
		p.eventuallyInitiallyScheduled(group, metav1.ConditionTrue, "Scheduled", "")
	})
}
