package resourceclaims

import (
	"context"
	"fmt"
	"slices"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Names are the names of the claims that a pod's spec asks for, each once: those that it names, and those that were made for it as
// far as its status tells.
func Names(pod *ocorev1.Pod) []string {
	var names []string
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name((*corev1.Pod)(pod), &pod.Spec.ResourceClaims[i])
		if err == nil && name != nil && !slices.Contains(names, *name) {
			names = append(names, *name)
		}
	}
	return names
}

// Templates are the names of the templates that a pod's claims are made from, each once.
func Templates(pod *ocorev1.Pod) []string {
	var names []string
	for _, claim := range pod.Spec.ResourceClaims {
		if template := claim.ResourceClaimTemplateName; template != nil && !slices.Contains(names, *template) {
			names = append(names, *template)
		}
	}
	return names
}

// Extended is the name of the claim that the scheduler made for a pod's extended resources; empty if there is none.
func Extended(pod *ocorev1.Pod) string {
	if status := pod.Status.ExtendedResourceClaimStatus; status != nil {
		return status.ResourceClaimName
	}
	return ""
}

// Done reports that no container of a pod runs or will ever run: it has ended, or is being deleted and has no node. It needs no
// claims any more.
func Done(pod *ocorev1.Pod) bool {
	return replicas.Ended(pod) || pod.DeletionTimestamp != nil && pod.Spec.NodeName == ""
}

// MadeFor refers to the pod that a claim was made for; nil if it was made for none.
func MadeFor(claim *resourcev1.ResourceClaim) *metav1.OwnerReference {
	owner := metav1.GetControllerOfNoCopy(claim)
	if owner == nil {
		return nil
	}
	kind := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind()
	if apis.Kubernetes.GroupKind(kind) != corev1.SchemeGroupVersion.WithKind("Pod").GroupKind() {
		return nil
	}
	return owner
}

// OfPods reports that an entry of a claim's reservedFor means a pod.
func OfPods(consumer resourcev1.ResourceClaimConsumerReference) bool {
	return consumer.APIGroup == corev1.GroupName && consumer.Resource == "pods"
}

// The indexes by which pods are found.
const (
	byClaim    = "resourceClaims"
	byTemplate = "resourceClaimTemplates"
)

// Indexed lets a loop find pods by [PodsNaming] and [PodsFrom].
func Indexed() []loop.Option {
	return []loop.Option{loop.Indexes(&ocorev1.Pod{}, byClaim, indexed(Names)), loop.Indexes(&ocorev1.Pod{}, byTemplate, indexed(Templates))}
}

func indexed(names func(*ocorev1.Pod) []string) client.IndexerFunc {
	return func(obj client.Object) []string {
		pod, ok := obj.(*ocorev1.Pod)
		if !ok {
			return nil
		}
		return names(pod)
	}
}

// PodsNaming are the names of the pods that ask for a claim, for a loop over pods that a claim concerns.
func PodsNaming(ctx context.Context, read client.Reader, claim *resourcev1.ResourceClaim) ([]client.ObjectKey, error) {
	return pods(ctx, read, claim, byClaim)
}

// PodsFrom are the names of the pods that have claims from a template.
func PodsFrom(ctx context.Context, read client.Reader, template *resourcev1.ResourceClaimTemplate) ([]client.ObjectKey, error) {
	return pods(ctx, read, template, byTemplate)
}

func pods(ctx context.Context, read client.Reader, of client.Object, field string) ([]client.ObjectKey, error) {
	var pods ocorev1.PodList
	err := read.List(ctx, &pods, client.InNamespace(of.GetNamespace()), client.MatchingFields{field: of.GetName()}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing the pods with %s %s/%s: %w", field, of.GetNamespace(), of.GetName(), err)
	}
	keys := make([]client.ObjectKey, len(pods.Items))
	for i := range pods.Items {
		keys[i] = client.ObjectKeyFromObject(&pods.Items[i])
	}
	return keys, nil
}
