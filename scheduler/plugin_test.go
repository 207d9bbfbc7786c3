package scheduler_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/naming"
)

// cursed is a plugin from outside, which imports nothing of this module. It panics at the sight of certain pods.
type cursed struct{}

func newCursed(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return cursed{}, nil }

func (cursed) Name() string { return "Cursed" }

func (cursed) Filter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ fwk.NodeInfo) *fwk.Status {
	if pod.Labels["cursed"] != "" {
		panic("a cursed pod")
	}
	return nil
}

// patient lets pods wait which nobody approves, for as long as their label wait says.
type patient struct{}

func newPatient(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return patient{}, nil
}

func (patient) Name() string { return "Patient" }

func (patient) Permit(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) (*fwk.Status, time.Duration) {
	long := pod.Labels["wait"]
	if long == "" {
		return nil, 0
	}
	duration, err := time.ParseDuration(long)
	if err != nil {
		return fwk.AsStatus(err), 0
	}
	return fwk.NewStatus(fwk.Wait), duration
}

func TestPanickingPluginFailsOnePod(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("only", "2")
		bad := p.pod("bad", "100m", func(pod *ocorev1.Pod) { pod.Labels = map[string]string{"cursed": "yes"} })
		message := `running "Cursed" filter plugin: plugin "Cursed" panicked in Filter: a cursed pod`
		p.eventuallyEvent(bad, "FailedScheduling", message)
		p.eventually(func() error {
			if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(bad), bad); err != nil {
				return err
			}
			return p.condition(bad, corev1.ConditionFalse, corev1.PodReasonSchedulerError, message)
		})
		p.eventuallyBound(p.pod("good", "100m"), "only")
	}, withPlugin("Cursed", newCursed))
}

func TestBindingLooksAtThePodAsItIs(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("a", "1")
		pod := p.pod("web", "100m", func(pod *ocorev1.Pod) { pod.Spec.SchedulerName = "nobody" })
		stale := pod.DeepCopy()
		p.change(pod, func() { pod.Labels = map[string]string{"changed": "meanwhile"} })
		if err := naming.Bind(t.Context(), p.client, stale, "a"); err != nil {
			t.Fatalf("binding a pod whose labels have changed: %v", err)
		}
		p.eventuallyBound(pod, "a")
		if err := naming.Bind(t.Context(), p.client, stale, "b"); !apierrors.IsConflict(err) {
			t.Errorf("binding a bound pod: got %v, want a conflict", err)
		}
		impostor := stale.DeepCopy()
		impostor.UID = "another"
		if err := naming.Bind(t.Context(), p.client, impostor, "b"); !apierrors.IsConflict(err) {
			t.Errorf("binding a pod that was replaced: got %v, want a conflict", err)
		}
		absent := &ocorev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "absent", UID: "absent"}}
		if err := naming.Bind(t.Context(), p.client, absent, "a"); !apierrors.IsNotFound(err) {
			t.Errorf("binding a pod that is gone: got %v, want not found", err)
		}
	})
}

// TestManyPodsFillTheNodesExactly holds that deciding ahead of binding never puts more on a node than fits.
func TestManyPodsFillTheNodesExactly(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		for _, name := range []string{"a", "b", "c"} {
			p.node(name, "1")
		}
		for i := range 40 {
			p.pod(fmt.Sprintf("web-%d", i), "100m")
		}
		p.eventually(func() error {
			pods := &ocorev1.PodList{}
			if err := p.client.List(t.Context(), pods, client.InNamespace(p.namespace)); err != nil {
				return err
			}
			on := map[string]int{}
			for _, pod := range pods.Items {
				on[pod.Spec.NodeName]++
			}
			if on["a"] != 10 || on["b"] != 10 || on["c"] != 10 || on[""] != 10 {
				return fmt.Errorf("pods by node: %v, want 10 on each of three and 10 on none", on)
			}
			return nil
		})
	})
}
