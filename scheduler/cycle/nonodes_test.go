package cycle_test

import (
	"testing"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/queue"
)

func TestAPodThatFindsNoNodesWaitsForOneAndIsThenTriedAtOnce(t *testing.T) {
	f := newFixture(t, settings{})
	f.run(t)
	f.add(newPod("early", "1", "1Gi"))
	if got, want := f.next(t).message, "no nodes available to schedule pods"; got != want {
		t.Errorf("the pod is told %q, want %q", got, want)
	}
	waits := func() bool { return f.Queue.Count() == queue.Counts{Unschedulable: 1} }
	f.eventually(t, "the pod waits for an event", waits)
	f.Queue.Move(fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, newPod("other", "1", "1Gi"), nil, nil)
	if !waits() {
		t.Errorf("the deletion of a pod has brought back a pod that wants a node: pods are %v", f.Queue.Count())
	}
	node := newNode("late", "2", "4Gi")
	f.Cache.AddNode(node)
	f.Queue.Move(fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}, nil, node, nil)
	if got := f.next(t); got.node != "late" {
		t.Errorf("the attempt after the node came has ended with %+v", got)
	}
}
