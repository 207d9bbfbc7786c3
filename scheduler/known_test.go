package scheduler_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Each kind comes to a scheduler by a watch of its own, so that a pod can be seen before an older object of another kind. A
// test that depends on what is decided first therefore waits until the schedulers know what there is.

// eventuallyKnows waits until the test's schedulers know an object as it is here, or as it was later.
func (p *plane) eventuallyKnows(object client.Object) {
	p.t.Helper()
	p.eventually(func() error {
		for _, each := range p.schedulers {
			if err := knows(each.KnownVersion(object), object); err != nil {
				return err
			}
		}
		return nil
	})
}

func knows(version string, object client.Object) error {
	if version != "" {
		order, err := resourceversion.CompareResourceVersion(version, object.GetResourceVersion())
		if err != nil || order >= 0 {
			return err
		}
	}
	return fmt.Errorf("a scheduler knows %T %s as of version %q, want %s", object, object.GetName(), version, object.GetResourceVersion())
}

// eventuallyKnowsNodesAndPods waits until the test's schedulers decide by the nodes, and by the pods on nodes, as they are now.
func (p *plane) eventuallyKnowsNodesAndPods() {
	p.t.Helper()
	p.eventually(func() error {
		nodes, pods := &ocorev1.NodeList{}, &ocorev1.PodList{}
		if err := p.client.List(p.t.Context(), nodes); err != nil {
			return err
		}
		if err := p.client.List(p.t.Context(), pods); err != nil {
			return err
		}
		for _, each := range p.schedulers {
			if known := each.KnownNodes(); known != len(nodes.Items) {
				return fmt.Errorf("a scheduler knows %d nodes, want %d", known, len(nodes.Items))
			}
			for i := range nodes.Items {
				if err := knows(each.KnownVersion(&nodes.Items[i]), &nodes.Items[i]); err != nil {
					return err
				}
			}
			for i := range pods.Items {
				pod := &pods.Items[i]
				if counted := each.CountedOn(pod.UID); takesRoom(pod) && counted != pod.Spec.NodeName {
					return fmt.Errorf("a scheduler counts pod %s on node %q, want %q", pod.Name, counted, pod.Spec.NodeName)
				}
			}
		}
		return nil
	})
}

func takesRoom(pod *ocorev1.Pod) bool {
	return pod.Spec.NodeName != "" && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}
