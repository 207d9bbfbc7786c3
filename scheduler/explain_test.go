package scheduler_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/scheduler/simulate"
	"github.com/orrery-dev/orrery/scheduler/simulate/replica"
)

// simulation is a copy of the plane's cluster.
func (p *plane) simulation() *simulate.Simulation {
	p.t.Helper()
	config, err := p.server.Config(identity.Admin)
	if err != nil {
		p.t.Fatal(err)
	}
	origin, err := replica.Of(config, p.naming())
	if err != nil {
		p.t.Fatal(err)
	}
	return simulate.New(simulate.Options{Origin: origin, Configuration: &configv1.KubeSchedulerConfiguration{
		Profiles: []configv1.KubeSchedulerProfile{{SchedulerName: ptr.To(p.name)}},
	}})
}

// TestAClusterIsExplainedFromACopy holds that what is said of a pod is true of the real cluster, and that nothing is
// written.
func TestAClusterIsExplainedFromACopy(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("busy", "4")
		p.node("tainted", "1", dedicated)
		p.eventuallyBound(p.pod("other", "2600m"), "busy")
		pod := p.pod("big", "2")
		p.eventuallyRefused(pod, "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).")
		examined, err := p.simulation().Examine(t.Context(), p.namespace, "big")
		if err != nil {
			t.Fatal(err)
		}
		e := examined.Explanation
		// Unlike the event, the explanation knows both refusals of the tainted node.
		details := map[string]string{}
		for _, group := range e.Refusals {
			for _, node := range group.Nodes {
				details[group.Plugin+" of "+node.Node] = node.Detail
			}
		}
		for what, want := range map[string]string{
			"NodeResourcesFit of busy":    "needs 2 CPU, 1.4 free of 4",
			"NodeResourcesFit of tainted": "needs 2 CPU, 1 free of 1",
			"TaintToleration of tainted":  "taint dedicated=db:NoSchedule is not tolerated",
		} {
			if details[what] != want {
				t.Errorf("%s: %q, want %q", what, details[what], want)
			}
		}
		if got, want := fmt.Sprint(e.Nearest[0].Node, e.Nearest[0].Remedies), "busy[with 600m less CPU]"; got != want {
			t.Errorf("the nearest miss is %s, want %s", got, want)
		}
		before := pod.ResourceVersion
		if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil || pod.ResourceVersion != before {
			t.Errorf("explaining changed the pod (reading it: %v)", err)
		}
	})
}

// TestASimulationWritesNothing holds that a simulated preemption and placement leave the cluster as it was.
func TestASimulationWritesNothing(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("only", "1")
		running := p.pod("running", "1")
		p.eventuallyBound(running, "only")
		waiting := p.pod("waiting", "1")
		p.eventuallyRefused(waiting, "0/1 nodes are available: 1 Insufficient cpu.")
		simulation := p.simulation()
		nodes, err := simulate.ParseNodes("cpu=1,memory=4Gi,count=2")
		if err != nil {
			t.Fatal(err)
		}
		if err := simulation.AddNodes(t.Context(), nodes...); err != nil {
			t.Fatal(err)
		}
		fresh := &corev1.Pod{}
		fresh.Namespace, fresh.Name = p.namespace, "fresh"
		fresh.Spec = *running.Spec.DeepCopy()
		fresh.Spec.NodeName = ""
		outcome, err := simulation.Run(t.Context(), []simulate.Pod{{Pod: fresh}})
		if err != nil {
			t.Fatal(err)
		}
		if outcome.Placed() != 1 || len(outcome.Others) != 1 || outcome.Others[0].Name != "waiting" {
			t.Errorf("the outcome is %+v, want the fresh pod and the waiting one on the added nodes", outcome)
		}
		if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(waiting), waiting); err != nil || waiting.Spec.NodeName != "" {
			t.Errorf("the waiting pod is on %q (reading it: %v): the simulation reached the cluster", waiting.Spec.NodeName, err)
		}
		if err := p.gone(&ocorev1.Pod{ObjectMeta: fresh.ObjectMeta}); err != nil {
			t.Errorf("the simulated pod is in the cluster: %v", err)
		}
	})
}
