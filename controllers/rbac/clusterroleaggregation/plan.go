package clusterroleaggregation

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	rbacv1 "k8s.io/api/rbac/v1"
)

// Plan gives the role its rules.
func (Controller) Plan(role *rbacv1.ClusterRole, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if w.rules == nil || role.DeletionTimestamp != nil {
		return p
	}
	wanted := role.DeepCopy()
	wanted.Rules = w.rules
	p.Patch(fmt.Sprintf("the roles that it is made of have %d rules", len(w.rules)), role, wanted)
	return p
}
