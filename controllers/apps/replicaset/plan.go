package replicaset

import (
	"fmt"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// burst is how many pods are created or deleted in one pass at most, so that one huge ReplicaSet leaves room for others.
const burst = 500

// Plan settles claims, brings the number of pods to the desired one, and reports.
func (Controller) Plan(rs *oappsv1.ReplicaSet, w world, now time.Time) *plan.Plan {
	p := plan.New()
	if w.claims.Open() {
		w.claims.Settle(p, rs)
		return p // whoever belongs to the ReplicaSet is decided: the next pass counts them
	}
	pods := w.claims.Held
	if rs.DeletionTimestamp == nil {
		switch surplus := len(pods) - desired(rs); {
		case surplus < 0:
			create(p, rs, len(pods), min(-surplus, burst))
		case surplus > 0:
			remove(p, rs, len(pods), replicas.Expendable(pods, w.siblings, min(surplus, burst), now))
		}
	}
	report(p, rs, w, now)
	return p
}

// desired is how many pods are asked for; 1 where the ReplicaSet does not say.
func desired(rs *oappsv1.ReplicaSet) int {
	if rs.Spec.Replicas == nil {
		return 1
	}
	return int(*rs.Spec.Replicas)
}

func create(p *plan.Plan, rs *oappsv1.ReplicaSet, have, missing int) {
	pods := make([]*ocorev1.Pod, missing)
	for i := range pods {
		pods[i] = newPod(rs)
	}
	plan.CreateAll(p, fmt.Sprintf("%d pods of %d desired", have, desired(rs)), pods).
		OwnedBy(rs).
		Succeeded(created(rs)).
		Failed(notCreated(rs))
}

func remove(p *plan.Plan, rs *oappsv1.ReplicaSet, have int, expendable []*ocorev1.Pod) {
	plan.DeleteAll(p, fmt.Sprintf("%d pods, %d desired", have, desired(rs)), expendable).
		Succeeded(deleted(rs)).
		Failed(notDeleted(rs))
}

// newPod is a pod of the template, without name and owner.
func newPod(rs *oappsv1.ReplicaSet) *ocorev1.Pod {
	template := rs.Spec.Template.DeepCopy()
	return &ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:    rs.Namespace,
			GenerateName: namePrefix(rs.Name),
			Labels:       template.Labels,
			Annotations:  template.Annotations,
			Finalizers:   template.Finalizers,
		},
		Spec: template.Spec,
	}
}

// namePrefix is what the names of pods begin with: the dash is left out where it would make the prefix too long.
func namePrefix(name string) string {
	if len(name)+1 > validation.DNS1123SubdomainMaxLength {
		return name
	}
	return name + "-"
}
