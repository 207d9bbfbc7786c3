package serviceaccount

import (
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Plan creates the ServiceAccount if it is missing.
func (Controller) Plan(namespace *corev1.Namespace, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if !w.exists && namespace.DeletionTimestamp == nil {
		p.Create("every Namespace has one", &corev1.ServiceAccount{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: name},
		})
	}
	return p
}
