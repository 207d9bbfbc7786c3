package webhooks

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// CompleteStaticPod fills in what the manifest of a static pod leaves out, as an API server would, and says why it cannot be one: for what
// an API server would refuse, and for what it refers to in the API, which the node may have to do without.
func CompleteStaticPod(pod *corev1.Pod) error {
	allowPrivileged()
	legacyscheme.Scheme.Default(pod)
	internal := &core.Pod{}
	if err := legacyscheme.Scheme.Convert(pod, internal, nil); err != nil {
		return fmt.Errorf("converting static pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	options := podutil.GetValidationOptionsFromPodSpecAndMeta(&internal.Spec, nil, &internal.ObjectMeta, nil)
	if errs := validation.ValidatePodCreate(internal, options); len(errs) > 0 {
		return fmt.Errorf("invalid pod: %w", errs.ToAggregate())
	}
	_, resource, err := podutil.HasAPIObjectReference(internal)
	if err != nil {
		return err
	}
	if resource != "" {
		return fmt.Errorf("static pods may not reference %s", resource)
	}
	return nil
}
