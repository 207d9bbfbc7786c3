package naming

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/orrery-dev/orrery/framework/merge"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// mostDisrupted is how many evictions nobody may have accounted for yet.
const mostDisrupted = 2000

// budget is a PodDisruptionBudget, as upstream's type and as it is stored.
type budget struct {
	policyv1.PodDisruptionBudget
	stored client.Object
}

// budgetsOf are the budgets that select a pod. One whose selector is invalid selects none.
func (e *evicting) budgetsOf(ctx context.Context, pod *corev1.Pod) ([]budget, error) {
	list, err := budgetList(e.Client.Scheme())
	if err != nil {
		return nil, err
	}
	if err := e.Live.List(ctx, list, client.InNamespace(pod.Namespace)); err != nil {
		return nil, fmt.Errorf("listing disruption budgets: %w", err)
	}
	var budgets []budget
	err = meta.EachListItem(list, func(item runtime.Object) error {
		b := budget{stored: item.(client.Object)}
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(item)
		if err != nil {
			return err
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &b.PodDisruptionBudget); err != nil {
			return err
		}
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			budgets = append(budgets, b)
		}
		return nil
	})
	return budgets, err
}

// budgetList is an empty list of the budgets that are custom resources. A scheme without any is a mistake: nobody could know
// what protects a pod.
func budgetList(scheme *runtime.Scheme) (client.ObjectList, error) {
	for kind := range scheme.AllKnownTypes() {
		if kind.Kind != "PodDisruptionBudgetList" || clientgoscheme.Scheme.Recognizes(kind) {
			continue
		}
		list, err := scheme.New(kind)
		if err != nil {
			return nil, err
		}
		return list.(client.ObjectList), nil
	}
	return nil, fmt.Errorf("finding disruption budgets: the scheme has no kind PodDisruptionBudget that is a custom resource")
}

// spares reports that a pod can go without being charged: it is not ready, and its budget either does not mind or is kept
// without it.
func (b budget) spares(pod *corev1.Pod) bool {
	if slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	}) {
		return false
	}
	if policy := b.Spec.UnhealthyPodEvictionPolicy; policy != nil && *policy == policyv1.AlwaysAllow {
		return true
	}
	return b.Status.DesiredHealthy > 0 && b.Status.CurrentHealthy >= b.Status.DesiredHealthy
}

// allows is the refusal of a budget that cannot be charged; nil from one that can.
func (b budget) allows() error {
	switch {
	case b.Status.ObservedGeneration < b.Generation:
		return b.refusal(10, "is still being processed by the server.")
	case b.Status.DisruptionsAllowed < 0:
		return b.forbidden("pdb disruptions allowed is negative")
	case len(b.Status.DisruptedPods) > mostDisrupted:
		return b.forbidden("too many pending evictions not confirmed by PDB controller")
	case b.Status.DisruptionsAllowed == 0:
		return b.refusal(0, b.exhausted())
	default:
		return nil
	}
}

// exhausted says why a budget allows no disruption, as the end of a sentence that begins with its name.
func (b budget) exhausted() string {
	condition := meta.FindStatusCondition(b.Status.Conditions, policyv1.DisruptionAllowedCondition)
	says := condition != nil && condition.Status == metav1.ConditionFalse && condition.Message != ""
	switch {
	case says && condition.Reason == policyv1.SyncFailedReason:
		return "does not allow evicting pods currently because it failed sync: " + condition.Message
	case b.Status.CurrentHealthy <= b.Status.DesiredHealthy:
		return fmt.Sprintf("needs %d healthy pods and has %d currently", b.Status.DesiredHealthy, b.Status.CurrentHealthy)
	case says:
		return fmt.Sprintf("does not allow evicting pods currently (%s): %s", condition.Reason, condition.Message)
	default:
		return "does not allow evicting pods currently"
	}
}

// refusal asks to come again, after seconds where they are above zero.
func (b budget) refusal(seconds int, why string) error {
	err := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", seconds)
	return b.because(err, why)
}

func (b budget) forbidden(why string) error {
	err := apierrors.NewForbidden(schema.GroupResource{Group: "policy", Resource: "poddisruptionbudget"}, b.Name, fmt.Errorf("%s", why))
	return b.because(err, "does not allow evicting pods currently: "+why)
}

func (b budget) because(err *apierrors.StatusError, why string) error {
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{
		Type:    policyv1.DisruptionBudgetCause,
		Message: fmt.Sprintf("The disruption budget %s %s", b.Name, why),
	})
	return err
}

// charged is the patch of the budget's status after a pod is evicted: one disruption less, and the pod's name, by which the
// budget's controller knows that the pod is about to go.
func (b budget) charged(pod string, now time.Time) client.Patch {
	left := b.Status.DisruptionsAllowed - 1
	status := map[string]any{
		"disruptionsAllowed": left,
		"disruptedPods":      map[string]any{pod: metav1.NewTime(now)},
	}
	if left == 0 {
		conditions := slices.Clone(b.Status.Conditions)
		meta.SetStatusCondition(&conditions, metav1.Condition{
			Type:               policyv1.DisruptionAllowedCondition,
			Status:             metav1.ConditionFalse,
			Reason:             policyv1.InsufficientPodsReason,
			ObservedGeneration: b.Status.ObservedGeneration,
			LastTransitionTime: metav1.NewTime(now),
		})
		status["conditions"] = conditions
	}
	return merge.Fields(map[string]any{"status": status}).Locked(b.UID, b.ResourceVersion)
}
