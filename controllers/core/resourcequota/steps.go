package resourcequota

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// fail ends a plan with why some of what its quota limits could not be counted, when what could be has been told: so it is logged, and
// tried again.
type fail struct {
	quota *corev1.ResourceQuota
	err   error
}

var _ plan.Step = (*fail)(nil)

func (s *fail) Verb() string { return "fail" }

func (s *fail) String() string {
	return fmt.Sprintf("report what ResourceQuota %s/%s limits and cannot be counted", s.quota.Namespace, s.quota.Name)
}

func (s *fail) Why() string { return s.err.Error() }

func (s *fail) Do(context.Context, plan.Actor) error { return s.err }
