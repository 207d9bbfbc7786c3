package disruption

import (
	"context"
	"fmt"
	"slices"
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a budget protects.
type world struct {
	// pods are those that the budget selects, by name.
	pods []*ocorev1.Pod
	// shared are those of them that other budgets select as well, of which this one is the first by name.
	shared []*ocorev1.Pod
	// scales are the replicas that the controllers of the pods ask for; read only where the budget needs them.
	scales map[types.UID]int32
	// unscaled is why the scales are not known; nil if they are, or are not needed.
	unscaled error
}

// Observe reads the pods that the budget selects, and what their controllers ask for.
func (Controller) Observe(ctx context.Context, view loop.View, budget *opolicyv1.PodDisruptionBudget) (world, error) {
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	if err != nil {
		return world{}, plan.StopAbout(budget, "InvalidSelector", fmt.Errorf("reading the selector of PodDisruptionBudget %s/%s: %w", budget.Namespace, budget.Name, err))
	}
	var pods ocorev1.PodList
	if err := view.List(ctx, &pods, client.InNamespace(budget.Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return world{}, fmt.Errorf("listing the pods of PodDisruptionBudget %s/%s: %w", budget.Namespace, budget.Name, err)
	}
	var w world
	for i := range pods.Items {
		w.pods = append(w.pods, &pods.Items[i])
	}
	slices.SortFunc(w.pods, func(a, b *ocorev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	if w.shared, err = shared(ctx, view, budget, w.pods); err != nil {
		return world{}, err
	}
	if needsScales(budget) {
		w.scales, w.unscaled = scalesOf(ctx, view, w.pods)
	}
	return w, nil
}

// needsScales reports that a budget is about a part of the pods that are asked for, and not about a number of those that there are.
func needsScales(budget *opolicyv1.PodDisruptionBudget) bool {
	least := budget.Spec.MinAvailable
	return budget.Spec.MaxUnavailable != nil || least != nil && least.Type == intstr.String
}

// shared are the pods of a budget that others select too, where it is the first of them.
func shared(ctx context.Context, read client.Reader, budget *opolicyv1.PodDisruptionBudget, pods []*ocorev1.Pod) ([]*ocorev1.Pod, error) {
	var all opolicyv1.PodDisruptionBudgetList
	if err := read.List(ctx, &all, client.InNamespace(budget.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the PodDisruptionBudgets of namespace %s: %w", budget.Namespace, err)
	}
	if len(all.Items) < 2 {
		return nil, nil
	}
	var found []*ocorev1.Pod
	for _, pod := range pods {
		first, others := true, false
		for i := range all.Items {
			if other := &all.Items[i]; other.Name != budget.Name && selects(other, pod) {
				others = true
				first = first && budget.Name < other.Name
			}
		}
		if first && others {
			found = append(found, pod)
		}
	}
	return found, nil
}
