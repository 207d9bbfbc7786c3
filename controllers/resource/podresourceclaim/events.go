package podresourceclaim

import (
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const reasonFailed = "FailedResourceClaimCreation"

// sayFailed plans to say why a claim of the pod cannot be made, once for as long as it is so.
func sayFailed(p *plan.Plan, pod *ocorev1.Pod, claim string, why error) {
	p.Because(fmt.Sprintf("claim %s: %v", claim, why))
	p.EventOnce(pod, plan.Warning, reasonFailed, "PodResourceClaim %s: %v", claim, why)
}

// refused is the event that a claim could not be created. The name that it was to have is not told: each attempt has another.
func refused(pod *ocorev1.Pod, claim client.Object, err error) plan.Event {
	return plan.Event{
		Regarding: pod, Type: plan.Warning, Reason: reasonFailed,
		Message: fmt.Sprintf("PodResourceClaim %s: create ResourceClaim : %v", claim.GetAnnotations()[resourcev1.PodResourceClaimAnnotation], plan.Cause(err)),
	}
}

// noTemplate is why a claim cannot be made that has no template.
func noTemplate(name string) error {
	return fmt.Errorf("resource claim template %q: %w", name,
		apierrors.NewNotFound(resourcev1.Resource("resourceclaimtemplate"), name))
}

// shared is why a claim cannot be made that is to be one of a PodGroup.
func shared(claim string) error {
	return fmt.Errorf("claim %s is a PodGroup claim but the DRAWorkloadResourceClaims feature is disabled", claim)
}
