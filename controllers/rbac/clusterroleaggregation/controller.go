package clusterroleaggregation

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/loop"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Who writes a role must have the rights in it, or may escalate. An aggregated role can grant anything, on kinds that
// nobody knows yet, so nothing less than escalate would do. It does not allow to bind a role to anybody.
//
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles,verbs=get;list;watch;patch;escalate

// Controller decides for ClusterRoles.
type Controller struct{}

var _ loop.Controller[*rbacv1.ClusterRole, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("clusterrole-aggregation-controller", Controller{}, loop.Watches(aggregated))
}

// aggregated names the roles that are made of others: which of them a changed role is, or was, a part of, their selectors
// say, and a pass of those that it is not is short.
func aggregated(ctx context.Context, read client.Reader, _ *rbacv1.ClusterRole) ([]client.ObjectKey, error) {
	var roles rbacv1.ClusterRoleList
	if err := read.List(ctx, &roles, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing ClusterRoles: %w", err)
	}
	var keys []client.ObjectKey
	for i := range roles.Items {
		if roles.Items[i].AggregationRule != nil {
			keys = append(keys, client.ObjectKeyFromObject(&roles.Items[i]))
		}
	}
	return keys, nil
}
