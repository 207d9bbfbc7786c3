package podresourceclaim

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// provide plans to make the claims that are missing, and when none is, to tell of those that the status does not. It reports that
// nothing of that is to be done.
func provide(p *plan.Plan, pod *ocorev1.Pod, w world) (complete bool) {
	untold := map[string]string{}
	complete = true
	for i := range pod.Spec.ResourceClaims {
		asked := &pod.Spec.ResourceClaims[i]
		made, missing, err := w.settle(pod, asked)
		switch {
		case err != nil:
			sayFailed(p, pod, asked.Name, err)
			return false
		case missing != nil:
			complete = false
			p.Create("the pod asks for it", missing).OwnedBy(pod, notBlocking).
				Failed(func(claim client.Object, err error) plan.Event { return refused(pod, claim, err) })
		case made != nil:
			untold[asked.Name] = made.Name
		}
	}
	if complete && len(untold) > 0 {
		complete = false
		p.Status(pod, telling(pod, untold))
	}
	return complete
}

// settle is what is to be done about one claim of a pod: nothing, to tell of one that was made for it, or to make one.
func (w world) settle(pod *ocorev1.Pod, asked *corev1.PodResourceClaim) (made, missing *resourcev1.ResourceClaim, err error) {
	there, err := w.has(pod, asked)
	if err != nil || there || asked.ResourceClaimTemplateName == nil {
		return nil, nil, err
	}
	consumer, err := w.consumer(pod, asked)
	switch {
	case err != nil:
		return nil, nil, err
	case isGroup(consumer):
		return nil, nil, shared(asked.Name)
	case w.made[asked.Name] != nil:
		return w.made[asked.Name], nil, nil
	}
	template := w.templates[*asked.ResourceClaimTemplateName]
	if template == nil {
		return nil, nil, noTemplate(*asked.ResourceClaimTemplateName)
	}
	return nil, claimOf(pod, asked.Name, template), nil
}

// has reports that there is the claim which the pod's spec or status names, and that it is the pod's where it was made for it. A claim
// that turned out not to be needed counts as one that is there.
func (w world) has(pod *ocorev1.Pod, asked *corev1.PodResourceClaim) (bool, error) {
	name, own, err := resourceclaim.Name((*corev1.Pod)(pod), asked)
	switch {
	case errors.Is(err, resourceclaim.ErrClaimNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("checking for claim before creating it: %w", err)
	case name == nil:
		return true, nil
	}
	claim := w.claims[*name]
	return claim != nil && (!own || resourceclaim.IsForPod((*corev1.Pod)(pod), claim, false) == nil), nil
}

// consumer is for whom a claim is reserved that a pod asks for: for the pod, or for its whole group.
func (w world) consumer(pod *ocorev1.Pod, asked *corev1.PodResourceClaim) (resourcev1.ResourceClaimConsumerReference, error) {
	return resourceclaim.BindTo((*corev1.Pod)(pod), (*schedulingv1beta1.PodGroup)(w.group), asked)
}

func isGroup(consumer resourcev1.ResourceClaimConsumerReference) bool {
	return consumer.APIGroup == schedulingv1beta1.GroupName
}

// claimOf is the claim that is made from a template for one of the pod's.
func claimOf(pod *ocorev1.Pod, name string, template *resourcev1.ResourceClaimTemplate) *resourcev1.ResourceClaim {
	annotations := maps.Clone(template.Spec.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[resourcev1.PodResourceClaimAnnotation] = name
	return &resourcev1.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:    pod.Namespace,
			GenerateName: prefix(pod.Name, name),
			Labels:       maps.Clone(template.Spec.Labels),
			Annotations:  annotations,
		},
		Spec: *template.Spec.Spec.DeepCopy(),
	}
}

// prefix is how the name of a claim begins. Of names that are too long together both lose their ends, each as much as it is long.
func prefix(pod, claim string) string {
	const longest = 57 // with the five characters that follow, a DNS label
	long := len(pod) + len(claim) + len("--")
	if long <= longest {
		return pod + "-" + claim + "-"
	}
	return pod[:len(pod)*longest/long] + "-" + claim[:len(claim)*longest/long]
}

// notBlocking leaves it open whether the pod waits for the claim's end, where somebody deletes it in the foreground.
func notBlocking(owner *metav1.OwnerReference) { owner.BlockOwnerDeletion = nil }

// telling is the pod with a status that tells the names of more claims.
func telling(pod *ocorev1.Pod, untold map[string]string) *ocorev1.Pod {
	names := map[string]string{}
	for _, told := range pod.Status.ResourceClaimStatuses {
		if told.ResourceClaimName != nil {
			names[told.Name] = *told.ResourceClaimName
		}
	}
	maps.Copy(names, untold)
	told := pod.DeepCopy()
	told.Status.ResourceClaimStatuses = nil
	for _, name := range slices.Sorted(maps.Keys(names)) {
		claim := names[name]
		told.Status.ResourceClaimStatuses = append(told.Status.ResourceClaimStatuses, corev1.PodResourceClaimStatus{Name: name, ResourceClaimName: &claim})
	}
	return told
}
