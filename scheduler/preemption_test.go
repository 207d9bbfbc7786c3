package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
)

// hold keeps a deleted pod in sight until the test lets it go.
const hold = "example.com/hold"

// class creates a PriorityClass and returns what gives it to a pod.
func (p *plane) class(value int32, policy corev1.PreemptionPolicy) func(*ocorev1.Pod) {
	p.t.Helper()
	class := &schedulingv1.PriorityClass{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "class-"}, Value: value, PreemptionPolicy: &policy,
	}
	if err := p.client.Create(p.t.Context(), class); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := p.client.Delete(context.Background(), class); err != nil {
			p.t.Errorf("deleting PriorityClass %s: %v", class.Name, err)
		}
	})
	give := func(pod *ocorev1.Pod) {
		pod.Spec.PriorityClassName, pod.Spec.Priority, pod.Spec.PreemptionPolicy = class.Name, &value, &policy
		pod.Spec.TerminationGracePeriodSeconds = ptr.To[int64](0)
	}
	p.eventually(func() error { // Admission watches the classes as well.
		return p.client.Create(p.t.Context(), p.newPod("probe", "1", give), client.DryRunAll)
	})
	return give
}

func on(node string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) { pod.Spec.NodeSelector = map[string]string{"name": node} }
}

// held keeps the pod, when it is deleted, until letGo or the end of the test.
func (p *plane) held(pod *ocorev1.Pod) {
	pod.Finalizers = []string{hold}
	p.t.Cleanup(func() {
		if err := p.release(context.Background(), pod); client.IgnoreNotFound(err) != nil {
			p.t.Errorf("letting go of pod %s: %v", pod.Name, err)
		}
	})
}

func (p *plane) letGo(pod *ocorev1.Pod) {
	p.t.Helper()
	if err := p.release(p.t.Context(), pod); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plane) release(ctx context.Context, pod *ocorev1.Pod) error {
	return p.client.Patch(ctx, pod.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))
}

// protect creates a budget for the pods with the label app=NAME, and plays the controller that fills in its status.
func (p *plane) protect(app string, allowed int32) {
	p.t.Helper()
	budget := &opolicyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: app},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}},
	}
	if err := p.client.Create(p.t.Context(), budget); err != nil {
		p.t.Fatal(err)
	}
	budget.Status.DisruptionsAllowed = allowed
	if err := p.client.Status().Update(p.t.Context(), budget); err != nil {
		p.t.Fatal(err)
	}
	p.eventuallyKnows(budget)
}

func app(name string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) { pod.Labels = map[string]string{"app": name} }
}

// eventuallyPreempted waits until a held pod is being deleted for another one, and has been told why.
func (p *plane) eventuallyPreempted(pod, by *ocorev1.Pod, node string) {
	p.t.Helper()
	p.eventually(func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.DisruptionTarget && pod.DeletionTimestamp != nil {
				if condition.Status != corev1.ConditionTrue || condition.Reason != corev1.PodReasonPreemptionByScheduler ||
					condition.Message != p.name+": preempting to accommodate a higher priority pod" {
					return fmt.Errorf("the condition DisruptionTarget is %+v", condition)
				}
				return nil
			}
		}
		return fmt.Errorf("pod %s (deleted: %v) has conditions %+v", pod.Name, pod.DeletionTimestamp, pod.Status.Conditions)
	})
	p.eventuallyEvent(pod, "Preempted", fmt.Sprintf("Preempted by pod %s on node %s", by.UID, node))
}

func (p *plane) eventuallyNominated(pod *ocorev1.Pod, node string) {
	p.t.Helper()
	p.eventually(func() error {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		if pod.Status.NominatedNodeName != node {
			return fmt.Errorf("pod %s is nominated to %q, want %q", pod.Name, pod.Status.NominatedNodeName, node)
		}
		return nil
	})
}

// unharmed fails if a pod is being deleted.
func (p *plane) unharmed(pods ...*ocorev1.Pod) {
	p.t.Helper()
	for _, pod := range pods {
		if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			p.t.Fatal(err)
		}
		if pod.DeletionTimestamp != nil {
			p.t.Errorf("pod %s is being deleted", pod.Name)
		}
	}
}

func TestPreemption(t *testing.T) {
	t.Run("evicts the least that respects a budget, and lands on the nominated node", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			low, high := p.class(10, corev1.PreemptLowerPriority), p.class(1000, corev1.PreemptLowerPriority)
			p.named("guarded", "2")
			p.named("free", "2")
			p.protect("guarded", 0)
			guarded := p.pod("guarded", "2", low, app("guarded"), on("guarded"), p.held)
			small := p.pod("small", "500m", low, on("free"), p.held)
			big := p.pod("big", "1500m", low, on("free"), p.held)
			for _, pod := range []*ocorev1.Pod{guarded, small, big} {
				p.eventuallyBound(pod, "")
			}
			urgent := p.pod("urgent", "1500m", high)
			p.eventuallyPreempted(big, urgent, "free")
			p.eventuallyNominated(urgent, "free")
			p.eventuallyEvent(urgent, "FailedScheduling", "0/2 nodes are available: 2 Insufficient cpu. "+
				"preemption: found a potential placement for pod on node free, preempting 1 victims")
			p.unharmed(guarded, small)
			p.letGo(big)
			p.eventuallyBound(urgent, "free")
			p.unharmed(guarded, small)
		})
	})
	t.Run("leaves everybody alone for a pod that must not preempt", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			low, meek := p.class(10, corev1.PreemptLowerPriority), p.class(1000, corev1.PreemptNever)
			p.named("only", "1")
			first := p.pod("first", "1", low)
			p.eventuallyBound(first, "only")
			second := p.pod("second", "1", meek)
			p.eventuallyUnschedulable(second, "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.")
			p.unharmed(first)
		})
	})
	t.Run("keeps the nominated place against a pod of lower priority", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			low, middle := p.class(10, corev1.PreemptLowerPriority), p.class(500, corev1.PreemptNever)
			high := p.class(1000, corev1.PreemptLowerPriority)
			p.named("only", "2")
			victim := p.pod("victim", "2", low, p.held)
			p.eventuallyBound(victim, "only")
			urgent := p.pod("urgent", "1500m", high)
			p.eventuallyPreempted(victim, urgent, "only")
			p.eventuallyNominated(urgent, "only")
			rival := p.pod("rival", "1", middle)
			p.eventuallyPending(rival)
			p.letGo(victim)
			p.eventuallyBound(urgent, "only")
			p.eventuallyUnschedulable(rival, "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.")
			if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(rival), rival); err != nil || rival.Spec.NodeName != "" {
				t.Errorf("the rival is on %q (reading it: %v), want nowhere", rival.Spec.NodeName, err)
			}
		})
	})
	t.Run("preempts no more while its victims are terminating", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			low, high := p.class(10, corev1.PreemptLowerPriority), p.class(1000, corev1.PreemptLowerPriority)
			p.named("first", "1")
			p.named("second", "1")
			one := p.pod("one", "1", low, on("first"), p.held)
			two := p.pod("two", "1", low, on("second"), p.held)
			p.eventuallyBound(one, "first")
			p.eventuallyBound(two, "second")
			urgent := p.pod("urgent", "1", high)
			p.eventually(func() error {
				if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(urgent), urgent); err != nil {
					return err
				}
				if urgent.Status.NominatedNodeName == "" {
					return errors.New("nothing is nominated")
				}
				return nil
			})
			goes, stays := one, two
			if urgent.Status.NominatedNodeName == "second" {
				goes, stays = two, one
			}
			p.eventuallyPreempted(goes, urgent, urgent.Status.NominatedNodeName)
			p.node("tainted", "1", dedicated) // An event that brings the pod back for another try.
			p.eventually(func() error {
				return p.pendingWith(urgent, "preemption: not eligible due to a terminating pod on the nominated node.")
			})
			p.unharmed(stays)
			p.letGo(goes)
			p.eventuallyBound(urgent, goes.Spec.NodeName)
		})
	})
}

func TestManyPreemptorsTakeNoMoreThanTheyNeed(t *testing.T) {
	const nodes, perNode, preemptors = 20, 3, 12
	underBothNamings(t, func(t *testing.T, p *plane) {
		low, high := p.class(10, corev1.PreemptLowerPriority), p.class(1000, corev1.PreemptLowerPriority)
		for i := range nodes {
			p.node(fmt.Sprintf("node-%d", i), "3")
		}
		var victims, urgent []*ocorev1.Pod
		for i := range nodes * perNode {
			victims = append(victims, p.pod(fmt.Sprintf("low-%d", i), "1", low))
		}
		for _, pod := range victims {
			p.eventuallyBound(pod, "")
		}
		for i := range preemptors {
			urgent = append(urgent, p.pod(fmt.Sprintf("urgent-%d", i), "2500m", high))
		}
		taken := map[string]string{}
		for _, pod := range urgent {
			p.eventuallyBound(pod, "")
			if other, twice := taken[pod.Spec.NodeName]; twice {
				t.Errorf("pods %s and %s are both on node %s", pod.Name, other, pod.Spec.NodeName)
			}
			taken[pod.Spec.NodeName] = pod.Name
		}
		for _, pod := range victims {
			preemptor, gone := taken[pod.Spec.NodeName]
			err := p.client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod)
			switch {
			case apierrors.IsNotFound(err) && !gone:
				t.Errorf("pod %s was preempted from node %s, where no preemptor went", pod.Name, pod.Spec.NodeName)
			case err == nil && gone:
				t.Errorf("pod %s is still on node %s, where %s is", pod.Name, pod.Spec.NodeName, preemptor)
			case client.IgnoreNotFound(err) != nil:
				t.Error(err)
			}
		}
	})
}

func TestPreemptionOfAPodThatIsNotBoundYet(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		low, high := p.class(10, corev1.PreemptLowerPriority), p.class(1000, corev1.PreemptLowerPriority)
		p.node("only", "1")
		waiting := p.pod("waiting", "1", low, func(pod *ocorev1.Pod) { pod.Labels = map[string]string{"wait": "1m"} })
		p.eventuallyNominated(waiting, "only") // So others are told of a pod that waits.
		urgent := p.pod("urgent", "1", high)
		p.eventuallyBound(urgent, "only")
		p.eventuallyEvent(waiting, "Preempted", fmt.Sprintf("Preempted by pod %s on node only (in kube-scheduler memory).", urgent.UID))
		p.unharmed(waiting)
	}, withPlugin("Patient", newPatient))
}

// named creates a node that pods can select by its name.
func (p *plane) named(name, cpu string) {
	p.t.Helper()
	node := p.node(name, cpu)
	p.change(node, func() { node.Labels = map[string]string{"name": name} })
}

// eventuallyPending waits until the scheduler has tried a pod in vain.
func (p *plane) eventuallyPending(pod *ocorev1.Pod) {
	p.t.Helper()
	p.eventually(func() error { return p.pendingWith(pod, "") })
}

// pendingWith reports whether the pod's condition PodScheduled is false with a message that contains the part.
func (p *plane) pendingWith(pod *ocorev1.Pod, part string) error {
	if err := p.client.Get(p.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
		return err
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse && strings.Contains(condition.Message, part) {
			return nil
		}
	}
	return fmt.Errorf("pod %s has conditions %+v, want PodScheduled to be false with %q", pod.Name, pod.Status.Conditions, part)
}
