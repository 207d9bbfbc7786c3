package horizontalpodautoscaler

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/scaletarget"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// selectorOf is the selector of the pods of a target that says which these are.
func selectorOf(ctx context.Context, read client.Reader, hpa *oautoscalingv2.HorizontalPodAutoscaler, target scaletarget.Target) (labels.Selector, error) {
	selector, found, err := target.Selector()
	if err == nil && !found {
		selector, found, err = selectorOfOurs(ctx, read, hpa)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("couldn't convert selector into a corresponding internal selector object: %w", err)
	case !found:
		return nil, errNoSelector
	default:
		return selector, nil
	}
}

// selectorOfOurs is the selector of an object of ours that is a custom resource. Its scale has none: a definition can only name a field
// that holds a selector as a string, and our kinds have no such field.
func selectorOfOurs(ctx context.Context, read client.Reader, hpa *oautoscalingv2.HorizontalPodAutoscaler) (selector labels.Selector, found bool, err error) {
	ref := hpa.Spec.ScaleTargetRef
	kind := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).GroupKind()
	first := apis.Kubernetes.GroupKind(kind)
	if first == kind {
		return nil, false, nil
	}
	get := func(obj client.Object) error {
		return read.Get(ctx, client.ObjectKey{Namespace: hpa.Namespace, Name: ref.Name}, obj)
	}
	var says *metav1.LabelSelector
	switch first {
	case schema.GroupKind{Group: "apps", Kind: "Deployment"}:
		obj := &oappsv1.Deployment{}
		err = get(obj)
		says = obj.Spec.Selector
	case schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}:
		obj := &oappsv1.ReplicaSet{}
		err = get(obj)
		says = obj.Spec.Selector
	case schema.GroupKind{Group: "apps", Kind: "StatefulSet"}:
		obj := &oappsv1.StatefulSet{}
		err = get(obj)
		says = obj.Spec.Selector
	case schema.GroupKind{Kind: "ReplicationController"}:
		obj := &ocorev1.ReplicationController{}
		err = get(obj)
		says = metav1.SetAsLabelSelector(obj.Spec.Selector)
	}
	if apierrors.IsNotFound(err) || err == nil && says == nil {
		return nil, false, nil
	}
	if err == nil {
		selector, err = metav1.LabelSelectorAsSelector(says)
	}
	return selector, err == nil, err
}
