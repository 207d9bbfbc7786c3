package scheduler_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// reader is a plugin from outside that reads other objects: a pod is refused until there is a claim of its name, and the
// owner of the claim names the node.
type reader struct {
	claims corelisters.PersistentVolumeClaimLister
}

func newReader(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	return reader{handle.SharedInformerFactory().Core().V1().PersistentVolumeClaims().Lister()}, nil
}

func (reader) Name() string { return "Reader" }

func (r reader) Filter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	claim, err := r.claims.PersistentVolumeClaims(pod.Namespace).Get(pod.Name)
	if err != nil {
		return fwk.NewStatus(fwk.Unschedulable, "there is no claim of its name")
	}
	owner := metav1.GetControllerOf(claim)
	if owner == nil || owner.APIVersion != "apps/v1" || owner.Kind != "StatefulSet" || owner.Name != node.Node().Name {
		return fwk.NewStatus(fwk.Unschedulable, "the claim is another's")
	}
	return nil
}

func (reader) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{Event: fwk.ClusterEvent{Resource: fwk.PersistentVolumeClaim, ActionType: fwk.Add}}}, nil
}

// Under either naming a plugin sees objects, and the owners that they name, as upstream's.
func TestAPluginReadsOtherObjectsAsUpstreams(t *testing.T) {
	underBothNamings(t, func(t *testing.T, p *plane) {
		p.node("a", "1")
		p.node("b", "1")
		pod := p.pod("web", "100m")
		p.eventuallyUnschedulable(pod, "0/2 nodes are available: 2 there is no claim of its name. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.")
		version := "apps/v1"
		if t.Name() == "TestAPluginReadsOtherObjectsAsUpstreams/orrery" {
			version = "apps.orrery.dev/v1"
		}
		controls := true
		claim := &ocorev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: p.namespace, Name: "web",
				OwnerReferences: []metav1.OwnerReference{{APIVersion: version, Kind: "StatefulSet", Name: "b", UID: "1", Controller: &controls}},
			},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources: corev1.VolumeResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
				},
			},
		}
		if err := p.client.Create(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		p.eventuallyBound(pod, "b")
	}, withPlugin("Reader", newReader))
}
