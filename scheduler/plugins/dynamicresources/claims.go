package dynamicresources

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"
)

// PreEnqueue holds a pod back until all its claims exist, and none is being deleted.
func (p *Plugin) PreEnqueue(_ context.Context, pod *corev1.Pod) *fwk.Status {
	if _, err := p.claimsOf(pod); err != nil {
		return refused(err.Error())
	}
	return nil
}

// claimsOf returns the claims that the pod names, each once and in its order. The error says what the pod has to wait for.
func (p *Plugin) claimsOf(pod *corev1.Pod) ([]*resourcev1.ResourceClaim, error) {
	if len(pod.Spec.ResourceClaims) == 0 {
		return nil, nil
	}
	claims := make([]*resourcev1.ResourceClaim, 0, len(pod.Spec.ResourceClaims))
	for i := range pod.Spec.ResourceClaims {
		name, generated, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil {
			return nil, err
		}
		if name == nil {
			continue // Its controller decided that the pod needs no claim after all.
		}
		claim, err := p.known.ResourceClaims().Get(pod.Namespace, *name)
		if err != nil {
			return nil, err
		}
		if claim.DeletionTimestamp != nil {
			return nil, fmt.Errorf("resourceclaim %q is being deleted", claim.Name)
		}
		if generated {
			if err := resourceclaim.IsForPod(pod, claim, false); err != nil {
				return nil, err
			}
		}
		if !contains(claims, claim) { // Under two names it is still one.
			claims = append(claims, claim)
		}
	}
	return claims, nil
}
