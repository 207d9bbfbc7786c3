package naming

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/merge"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// evictAttempts is how often an eviction is tried against others who write to the same pod or budget.
const evictAttempts = 5

// Eviction is how pods are evicted.
type Eviction struct {
	// Client writes.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// Now is the time.
	Now func() time.Time
	// GracePeriodSeconds is how long a pod may take to end; nil means what its spec says.
	GracePeriodSeconds *int64
}

// Evict deletes a pod unless a PodDisruptionBudget forbids it: by the eviction subresource for a built-in Pod, and by the
// rules of that subresource otherwise.
//
// The pod gets the condition DisruptionTarget. Pods that have ended, are pending or are being deleted need no budget, and
// neither does one that is not ready if its budget is healthy or always allows it. That the budget is used up, or does not
// show yet what it allows, is TooManyRequests with the cause DisruptionBudget; that the pod is another one than was given is
// a Conflict, and that it is gone NotFound. A pod with two budgets cannot be evicted, which is an InternalError.
func (e Eviction) Evict(ctx context.Context, pod client.Object) error {
	builtIn, err := BuiltIn(e.Client.Scheme(), pod)
	switch {
	case err != nil:
	case builtIn:
		err = e.bySubresource(ctx, pod)
	default:
		err = (&evicting{Eviction: e, pod: pod}).byRules(ctx)
	}
	if err != nil {
		return fmt.Errorf("evicting pod %s: %w", client.ObjectKeyFromObject(pod), err)
	}
	return nil
}

func (e Eviction) bySubresource(ctx context.Context, pod client.Object) error {
	uid := pod.GetUID()
	return e.Client.SubResource("eviction").Create(ctx, pod, &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: pod.GetNamespace(), Name: pod.GetName()},
		DeleteOptions: &metav1.DeleteOptions{GracePeriodSeconds: e.GracePeriodSeconds, Preconditions: &metav1.Preconditions{UID: &uid}},
	})
}

// evicting is the eviction of one pod by the rules.
type evicting struct {
	Eviction
	pod client.Object
	// charged says that the budget has been charged with the pod.
	charged bool
}

// byRules looks at the pod and its budget as they are, until nobody changes them in between.
func (e *evicting) byRules(ctx context.Context) error {
	var err error
	for range evictAttempts {
		if err = e.once(ctx); !apierrors.IsConflict(err) || e.replaced(ctx) {
			return err
		}
	}
	refusal := apierrors.NewTooManyRequests("Cannot evict pod: it or its disruption budget kept changing.", 1)
	return fmt.Errorf("%w: %w", refusal, err)
}

// replaced reports that another pod has the name of the one to evict. Then a conflict will not pass.
func (e *evicting) replaced(ctx context.Context) bool {
	now := e.pod.DeepCopyObject().(client.Object)
	return e.Live.Get(ctx, client.ObjectKeyFromObject(e.pod), now) == nil && now.GetUID() != e.pod.GetUID()
}

func (e *evicting) once(ctx context.Context) error {
	current := e.pod.DeepCopyObject().(client.Object)
	if err := e.Live.Get(ctx, client.ObjectKeyFromObject(e.pod), current); err != nil {
		return err
	}
	if current.GetUID() != e.pod.GetUID() {
		return apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, current.GetName(),
			fmt.Errorf("the UID in the precondition (%s) does not match the UID in record (%s)", e.pod.GetUID(), current.GetUID()))
	}
	pod, err := podOf(current)
	if err != nil {
		return err
	}
	free, err := e.charge(ctx, pod)
	if err != nil {
		return err
	}
	if err := e.mark(ctx, current); err != nil {
		return err
	}
	return e.delete(ctx, current, free && !ended(pod) && pod.DeletionTimestamp == nil)
}

// charge charges the budget of a pod, if it has one. free says that it need not: but then the pod must stay as it was seen.
func (e *evicting) charge(ctx context.Context, pod *corev1.Pod) (free bool, err error) {
	if needsNoBudget(pod) {
		return true, nil
	}
	budgets, err := e.budgetsOf(ctx, pod)
	switch {
	case err != nil:
		return false, err
	case len(budgets) > 1:
		return false, apierrors.NewInternalError(fmt.Errorf(
			"this pod has more than one PodDisruptionBudget, which eviction does not support"))
	case len(budgets) == 0 || e.charged:
		return false, nil
	case budgets[0].spares(pod):
		return true, nil
	}
	if err := budgets[0].allows(); err != nil {
		return false, err
	}
	charged := budgets[0].charged(pod.Name, e.Now())
	if err := e.Client.Status().Patch(ctx, budgets[0].stored, charged); err != nil {
		return false, err
	}
	e.charged = true
	return false, nil
}

// mark says of a pod that it is disrupted, and why.
func (e *evicting) mark(ctx context.Context, pod client.Object) error {
	conditions, changed, err := withCondition(pod, corev1.PodCondition{
		Type:    corev1.DisruptionTarget,
		Status:  corev1.ConditionTrue,
		Reason:  "EvictionByEvictionAPI",
		Message: "Eviction API: evicting",
	}, e.Now())
	if err != nil || !changed {
		return err
	}
	patch := merge.Fields(map[string]any{"status": map[string]any{"conditions": conditions}})
	return e.Client.Status().Patch(ctx, pod, patch.Locked(pod.GetUID(), pod.GetResourceVersion()))
}

// delete deletes a pod, if unchanged only as it was seen.
func (e *evicting) delete(ctx context.Context, pod client.Object, unchanged bool) error {
	uid, version := pod.GetUID(), pod.GetResourceVersion()
	condition := client.Preconditions{UID: &uid}
	if unchanged {
		condition.ResourceVersion = &version
	}
	options := []client.DeleteOption{condition}
	if e.GracePeriodSeconds != nil {
		options = append(options, client.GracePeriodSeconds(*e.GracePeriodSeconds))
	}
	return e.Client.Delete(ctx, pod, options...)
}

// needsNoBudget reports that a pod counts for no budget: it disrupts nothing to delete it.
func needsNoBudget(pod *corev1.Pod) bool {
	return ended(pod) || pod.Status.Phase == corev1.PodPending || pod.DeletionTimestamp != nil
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// podOf is a pod as upstream's type, whatever its own is.
func podOf(obj client.Object) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, err
	}
	return pod, runtime.DefaultUnstructuredConverter.FromUnstructured(content, pod)
}
