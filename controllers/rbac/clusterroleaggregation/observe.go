package clusterroleaggregation

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world are the rules that a role shall have; nil if it is not made of others.
type world struct{ rules []rbacv1.PolicyRule }

// Observe collects the rules of the roles that a role is made of.
func (Controller) Observe(ctx context.Context, view loop.View, role *rbacv1.ClusterRole) (world, error) {
	if role.AggregationRule == nil {
		return world{}, nil
	}
	w := world{rules: []rbacv1.PolicyRule{}}
	for i := range role.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&role.AggregationRule.ClusterRoleSelectors[i])
		if err != nil {
			return world{}, plan.Stop(fmt.Errorf("reading the aggregation rule of ClusterRole %s: %w", role.Name, err))
		}
		var parts rbacv1.ClusterRoleList
		if err := view.List(ctx, &parts, client.MatchingLabelsSelector{Selector: selector}); err != nil {
			return world{}, fmt.Errorf("listing what ClusterRole %s is made of: %w", role.Name, err)
		}
		w.add(role, parts.Items)
	}
	return w, nil
}

// add adds the rules of parts, but of the role itself, that are not there yet.
func (w *world) add(role *rbacv1.ClusterRole, parts []rbacv1.ClusterRole) {
	slices.SortFunc(parts, func(a, b rbacv1.ClusterRole) int { return cmp.Compare(a.Name, b.Name) })
	for _, part := range parts {
		if part.Name == role.Name {
			continue
		}
		for _, rule := range part.Rules {
			known := func(r rbacv1.PolicyRule) bool { return equality.Semantic.DeepEqual(r, rule) }
			if !slices.ContainsFunc(w.rules, known) {
				w.rules = append(w.rules, rule)
			}
		}
	}
}
