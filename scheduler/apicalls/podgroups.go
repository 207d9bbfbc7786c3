package apicalls

import (
	"context"
	"fmt"

	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/framework/naming"
)

// PodGroups writes into the status of pod groups.
type PodGroups struct {
	cache  client.Reader
	client client.Client
}

// NewPodGroups returns a PodGroups, which compares with what a cache has.
func NewPodGroups(cache client.Reader, c client.Client) PodGroups {
	return PodGroups{cache: cache, client: c}
}

// ReportGroup sets a condition in a pod group's status if it differs from what is there. What has come true stays so:
// PodGroupInitiallyScheduled is about the first time. A group that has gone is no error.
func (p PodGroups) ReportGroup(ctx context.Context, group *schedulingv1beta1.PodGroup, condition metav1.Condition) error {
	current := &oschedulingv1beta1.PodGroup{}
	if err := p.cache.Get(ctx, client.ObjectKey{Namespace: group.Namespace, Name: group.Name}, current); err != nil {
		return ignoreNotFound("reading", group, err)
	}
	if apimeta.IsStatusConditionTrue(current.Status.Conditions, condition.Type) {
		return nil
	}
	changed := current.DeepCopy()
	if !apimeta.SetStatusCondition(&changed.Status.Conditions, condition) {
		return nil
	}
	return ignoreNotFound("writing a condition of", group, naming.PatchStatus(ctx, p.client, current, changed))
}

func ignoreNotFound(doing string, group *schedulingv1beta1.PodGroup, err error) error {
	if client.IgnoreNotFound(err) == nil {
		return nil
	}
	return fmt.Errorf("%s pod group %s/%s: %w", doing, group.Namespace, group.Name, err)
}
