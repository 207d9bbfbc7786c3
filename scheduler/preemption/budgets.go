package preemption

import (
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Budgets are the PodDisruptionBudgets of a cluster, made ready to be asked often. They are safe for concurrent use. Nil
// means that there are none.
type Budgets struct {
	byNamespace map[string][]budget
	allowed     []int32
}

type budget struct {
	selector  labels.Selector
	disrupted map[string]metav1.Time
	index     int // in allowed
}

// NewBudgets reads budgets. One that selects nothing, or whose selector cannot be read, protects nothing.
func NewBudgets(all []*policyv1.PodDisruptionBudget) *Budgets {
	b := &Budgets{byNamespace: map[string][]budget{}}
	for _, each := range all {
		selector, err := metav1.LabelSelectorAsSelector(each.Spec.Selector)
		if err != nil || selector.Empty() {
			continue
		}
		b.byNamespace[each.Namespace] = append(b.byNamespace[each.Namespace],
			budget{selector: selector, disrupted: each.Status.DisruptedPods, index: len(b.allowed)})
		b.allowed = append(b.allowed, each.Status.DisruptionsAllowed)
	}
	return b
}

// violations returns of each victim how many of its pods violate a budget, if all victims go in this order.
func (b *Budgets) violations(victims []*Victim) []int {
	counts := make([]int, len(victims))
	if b == nil || len(b.allowed) == 0 {
		return counts
	}
	left := append([]int32(nil), b.allowed...)
	for i, victim := range victims {
		for _, pod := range victim.Pods {
			if b.violates(pod.GetPod(), left) {
				counts[i]++
			}
		}
	}
	return counts
}

// violates takes a pod from the budgets that it falls under, up to the first that is used up.
func (b *Budgets) violates(pod *corev1.Pod, left []int32) bool {
	if len(pod.Labels) == 0 {
		return false
	}
	for _, budget := range b.byNamespace[pod.Namespace] {
		if !budget.selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		if _, counted := budget.disrupted[pod.Name]; counted {
			continue // The API server has taken it from the budget already.
		}
		if left[budget.index]--; left[budget.index] < 0 {
			return true
		}
	}
	return false
}
