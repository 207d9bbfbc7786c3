package scenarios

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/internal/await"
)

// waitsForItsPods deletes in the foreground, while one pod is held by a finalizer: as long as it is there, so are its owners.
func waitsForItsPods(t *testing.T, c *cluster) {
	t.Helper()
	held := c.pods(t)[0]
	c.setFinalizers(t, &held, "example.org/held")
	deletes(metav1.DeletePropagationForeground)(t, c)
	await.Until(t, "all pods but the held one to be gone", func() (string, bool) {
		uids := c.podUIDs(t)
		return fmt.Sprint(uids), slices.Equal(uids, []string{string(held.UID)})
	})
	d, sets := c.deployment(t), c.replicaSets(t)
	if d == nil || d.DeletionTimestamp == nil || len(sets) != 1 || sets[0].DeletionTimestamp == nil {
		t.Errorf("while a pod is left there are the Deployment %v and ReplicaSets %v, want both, being deleted", d, sets)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(&held), &held); err != nil {
		t.Fatal(err)
	}
	c.setFinalizers(t, &held)
}

func (c *cluster) setFinalizers(t *testing.T, pod *ocorev1.Pod, finalizers ...string) {
	t.Helper()
	was := pod.DeepCopy()
	pod.Finalizers = finalizers
	if err := c.Patch(t.Context(), pod, client.MergeFrom(was)); err != nil {
		t.Fatal(err)
	}
}

// orphansAreAdopted deletes the Deployment alone, and makes one with the same template.
func orphansAreAdopted(t *testing.T, c *cluster) {
	t.Helper()
	var pods []string
	await.Until(t, "the pods of the first version, which a rollout does not wait for, to be gone", func() (string, bool) {
		pods = c.podUIDs(t)
		return c.describe(t), len(pods) == int(*c.deployment(t).Spec.Replicas)
	})
	deletes(metav1.DeletePropagationOrphan)(t, c)
	await.Until(t, "the ReplicaSets to have no owner", func() (string, bool) {
		sets := c.replicaSets(t)
		owned := slices.ContainsFunc(sets, func(rs oappsv1.ReplicaSet) bool { return len(rs.OwnerReferences) > 0 })
		return fmt.Sprintf("Deployment %v, owned %v", c.deployment(t) != nil, owned), c.deployment(t) == nil && !owned && len(sets) == 2
	})
	creates(image("web:2"))(t, c)
	d := c.deployment(t)
	await.Until(t, "the ReplicaSets to be adopted", func() (string, bool) {
		sets := c.replicaSets(t)
		strange := slices.ContainsFunc(sets, func(rs oappsv1.ReplicaSet) bool { return !c.ownedBy(t, &rs, d) })
		return fmt.Sprintf("%d ReplicaSets, some not owned: %v", len(sets), strange), len(sets) == 2 && !strange
	})
	rollsOut(t, c)
	if after := c.podUIDs(t); !slices.Equal(pods, after) {
		t.Errorf("the pods were %v and are %v, want the same", pods, after)
	}
}

// collides puts a ReplicaSet of somebody else where the Deployment's would be, and makes the Deployment again.
func collides(t *testing.T, c *cluster) {
	t.Helper()
	name := c.replicaSets(t)[0].Name
	deletes(metav1.DeletePropagationBackground)(t, c)
	isGone(t, c)
	none, labels := int32(0), map[string]string{"app": "other"}
	theirs := &oappsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: name},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &none,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: *web(c.namespace).Spec.Template.DeepCopy(),
		},
	}
	theirs.Spec.Template.Labels = labels
	if err := c.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	creates()(t, c)
	rollsOut(t, c)
	if count := c.deployment(t).Status.CollisionCount; count == nil || *count != 1 {
		t.Errorf("the collision count is %v, want 1", count)
	}
	if sets := c.replicaSets(t); len(sets) != 1 || sets[0].Name == name {
		t.Errorf("the Deployment has %d ReplicaSets, want one of another name than %s", len(sets), name)
	}
}
