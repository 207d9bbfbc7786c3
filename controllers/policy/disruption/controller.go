package disruption

import (
	"context"
	"fmt"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods;replicationcontrollers,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=deployments;replicasets;statefulsets,verbs=list;watch
// +kubebuilder:rbac:groups=*,resources=*/scale,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for PodDisruptionBudgets.
type Controller struct{}

var _ loop.Controller[*opolicyv1.PodDisruptionBudget, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("disruption-controller", Controller{},
		loop.RecordsAs("controllermanager"),
		loop.Watches(selecting),
		loop.Watches(budgetsBeside[*oappsv1.Deployment], loop.Update(resized(func(d *oappsv1.Deployment) *int32 { return d.Spec.Replicas }))),
		loop.Watches(budgetsBeside[*oappsv1.ReplicaSet], loop.Update(resized(func(rs *oappsv1.ReplicaSet) *int32 { return rs.Spec.Replicas }))),
		loop.Watches(budgetsBeside[*oappsv1.StatefulSet], loop.Update(resized(func(s *oappsv1.StatefulSet) *int32 { return s.Spec.Replicas }))),
		loop.Watches(budgetsBeside[*ocorev1.ReplicationController], loop.Update(resized(func(rc *ocorev1.ReplicationController) *int32 { return rc.Spec.Replicas }))),
	)
}

// selecting names the budgets that select a pod.
func selecting(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	return budgets(ctx, read, pod.Namespace, func(budget *opolicyv1.PodDisruptionBudget) bool { return selects(budget, pod) })
}

// budgetsBeside names the budgets of an object's namespace for which it matters how many pods are asked for.
func budgetsBeside[T client.Object](ctx context.Context, read client.Reader, obj T) ([]client.ObjectKey, error) {
	return budgets(ctx, read, obj.GetNamespace(), needsScales)
}

func budgets(ctx context.Context, read client.Reader, namespace string, choose func(*opolicyv1.PodDisruptionBudget) bool) ([]client.ObjectKey, error) {
	var list opolicyv1.PodDisruptionBudgetList
	if err := read.List(ctx, &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the PodDisruptionBudgets of namespace %s: %w", namespace, err)
	}
	var keys []client.ObjectKey
	for i := range list.Items {
		if choose(&list.Items[i]) {
			keys = append(keys, client.ObjectKeyFromObject(&list.Items[i]))
		}
	}
	return keys, nil
}

// selects reports whether a budget of a pod's namespace is about it. A nil selector selects none, an empty one all.
func selects(budget *opolicyv1.PodDisruptionBudget, pod *ocorev1.Pod) bool {
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	return err == nil && selector.Matches(labels.Set(pod.Labels))
}

func resized[T client.Object](replicas func(T) *int32) func(was, is T) bool {
	return func(was, is T) bool { return !ptr.Equal(replicas(was), replicas(is)) }
}
