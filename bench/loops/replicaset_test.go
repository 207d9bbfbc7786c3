package loops

import (
	"context"
	"testing"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/apps/replicaset"
	"github.com/orrery-dev/orrery/framework/loop"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// BenchmarkReplicaSet makes passes for a ReplicaSet at rest that has ten thousand pods, as for the change of one of them: with pods that
// the cache lends, and, as it was until then, with a list of them that shares all but the structs.
func BenchmarkReplicaSet(b *testing.B) {
	l := replicaset.Loop()
	lends := newPodCache(b, keys, l)
	set := lends.owned(b)
	for _, tt := range []struct {
		name string
		from client.Client
	}{{"lent", lends}, {"listed", struct{ client.Client }{lends}}} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			key := client.ObjectKeyFromObject(set)
			r := l.Reconciler(loop.Cluster{Client: tt.from})
			for b.Loop() {
				pass(b, r, key)
			}
		})
	}
}

// owned has all pods run, for a ReplicaSet that wants no more and says so.
func (c *podCache) owned(b *testing.B) *oappsv1.ReplicaSet {
	b.Helper()
	label := map[string]string{"app": "web"}
	n := int32(len(c.pods.ListKeys()))
	c.set = &oappsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web", ResourceVersion: "1"},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &n, Selector: &metav1.LabelSelector{MatchLabels: label},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: label}},
		},
		Status: appsv1.ReplicaSetStatus{Replicas: n, FullyLabeledReplicas: n, TerminatingReplicas: ptr.To(int32(0))},
	}
	for _, stored := range c.pods.List() {
		pod := stored.(*ocorev1.Pod).DeepCopy()
		pod.Labels, pod.Status.Phase = label, corev1.PodRunning
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", UID: "web", Controller: ptr.To(true)}}
		if err := c.pods.Update(pod); err != nil {
			b.Fatal(err)
		}
	}
	return c.set
}

// Lend implements loop.Lender, as the cache of a manager does.
func (c *podCache) Lend(_ context.Context, _ client.ObjectList, opts ...client.ListOption) ([]client.Object, error) {
	found, err := c.found(opts)
	if err != nil {
		return nil, err
	}
	pods := make([]client.Object, len(found))
	for i, pod := range found {
		pods[i] = pod.(client.Object)
	}
	return pods, nil
}
