package webhooks

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/plugin/pkg/admission/limitranger"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups="",resources=limitranges,verbs=list;watch

// limits are the LimitRanges of namespaces. Kubernetes holds new pods and claims to them by an admission plugin, LimitRanger, which sees
// those of its own names only.
type limits struct{ client.Reader }

// of are the LimitRanges of an object's namespace; none for a kind that none are about.
func (l limits) of(ctx context.Context, obj *unstructured.Unstructured) ([]corev1.LimitRange, error) {
	if obj.GetKind() != "Pod" && obj.GetKind() != "PersistentVolumeClaim" {
		return nil, nil
	}
	var list corev1.LimitRangeList
	if err := l.List(ctx, &list, client.InNamespace(obj.GetNamespace())); err != nil {
		return nil, fmt.Errorf("listing LimitRanges of namespace %s: %w", obj.GetNamespace(), err)
	}
	return list.Items, nil
}

// fillIn gives the containers of a new pod the requests and limits that they do not state.
func (l limits) fillIn(ctx context.Context, obj *unstructured.Unstructured) error {
	ranges, err := l.of(ctx, obj)
	if err != nil || len(ranges) == 0 || obj.GetKind() != "Pod" {
		return err
	}
	internal, err := internalOf(obj)
	if err != nil {
		return err
	}
	pod := internal.(*core.Pod)
	for i := range ranges {
		if err := limitranger.PodMutateLimitFunc(&ranges[i], pod); err != nil {
			return fmt.Errorf("filling in what LimitRange %s says: %w", ranges[i].Name, err)
		}
	}
	filled := &corev1.Pod{}
	if err := legacyscheme.Scheme.Convert(pod, filled, nil); err != nil {
		return fmt.Errorf("converting pod %q: %w", obj.GetName(), err)
	}
	return encode(filled, obj)
}

// exceeded says which bound of its namespace an object is out of; nil means none. The error is in Kubernetes' words.
func (l limits) exceeded(ctx context.Context, obj *unstructured.Unstructured) (exceeded, err error) {
	ranges, err := l.of(ctx, obj)
	if err != nil || len(ranges) == 0 {
		return nil, err
	}
	internal, err := internalOf(obj)
	if err != nil {
		return nil, err
	}
	for i := range ranges {
		switch o := internal.(type) {
		case *core.Pod:
			exceeded = limitranger.PodValidateLimitFunc(&ranges[i], o)
		case *core.PersistentVolumeClaim:
			exceeded = limitranger.PersistentVolumeClaimValidateLimitFunc(&ranges[i], o)
		}
		if exceeded != nil {
			return exceeded, nil
		}
	}
	return nil, nil
}
