package naming

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// withCondition is the conditions of a pod, of whatever type it is, with wanted in the place of the one of its kind or behind
// the others, and whether they change by that. The condition has changed now, unless its status is the same as before. What
// the others say is kept, also what our version of the type does not have.
func withCondition(pod client.Object, wanted corev1.PodCondition, now time.Time) (conditions []any, changed bool, err error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		return nil, false, err
	}
	conditions, _, err = unstructured.NestedSlice(content, "status", "conditions")
	if err != nil {
		return nil, false, fmt.Errorf("reading conditions: %w", err)
	}
	wanted.LastTransitionTime = metav1.NewTime(now)
	for i, condition := range conditions {
		before, err := conditionOf(condition)
		if err != nil {
			return nil, false, err
		}
		if before.Type != wanted.Type {
			continue
		}
		if before.Status == wanted.Status {
			wanted.LastTransitionTime = before.LastTransitionTime
		}
		conditions[i] = wanted
		return conditions, !equality.Semantic.DeepEqual(before, wanted), nil
	}
	return append(conditions, wanted), true, nil
}

func conditionOf(content any) (corev1.PodCondition, error) {
	var condition corev1.PodCondition
	data, err := json.Marshal(content)
	if err == nil {
		err = json.Unmarshal(data, &condition)
	}
	if err != nil {
		return condition, fmt.Errorf("reading a condition: %w", err)
	}
	return condition, nil
}
