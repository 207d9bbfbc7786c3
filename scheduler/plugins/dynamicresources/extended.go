package dynamicresources

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	podresources "k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/dra"
	"github.com/orrery-dev/orrery/scheduler/resources"
)

// extended is what the pod asks for in extended resources, of which a device class stands for at least one.
type extended struct {
	amounts map[corev1.ResourceName]int64
	// uid is the one under which the claim's allocation is signalled. A claim that is made gets another one.
	uid types.UID
}

// extendedClaim is the claim for the extended resources that one node has no device plugin for.
type extendedClaim struct {
	claim *resourcev1.ResourceClaim
	// uses say which container uses which of the claim's requests.
	uses []corev1.ContainerExtendedResourceRequest
}

// extendedAmounts returns all scalar resources that the pod asks for, if one of them is backed by a device class.
// Nil means that none is, which for most pods is found out without adding anything up.
func (p *Plugin) extendedAmounts(pod *corev1.Pod) map[corev1.ResourceName]int64 {
	resolver := p.known.DeviceClassResolver()
	backed := func(list corev1.ResourceList) bool {
		for name, amount := range list {
			// No class stands for a name without a slash, such as cpu.
			if strings.Contains(string(name), "/") && !amount.IsZero() && resolver.GetDeviceClass(name) != nil {
				return true
			}
		}
		return false
	}
	asks := backed(pod.Spec.Overhead) || pod.Spec.Resources != nil && backed(pod.Spec.Resources.Requests)
	for i := range pod.Spec.InitContainers {
		asks = asks || backed(pod.Spec.InitContainers[i].Resources.Requests)
	}
	for i := range pod.Spec.Containers {
		asks = asks || backed(pod.Spec.Containers[i].Resources.Requests)
	}
	if !asks {
		return nil
	}
	total := podresources.PodRequests(pod, podresources.PodResourcesOptions{})
	for name, amount := range total {
		if !amount.IsZero() && mayBeBacked(name) && resolver.GetDeviceClass(name) != nil {
			return resources.FromList(total).Scalars
		}
	}
	return nil
}

// mayBeBacked reports whether a device class can stand for a resource of that name.
func mayBeBacked(name corev1.ResourceName) bool {
	return resources.IsExtended(name) || strings.HasPrefix(string(name), resourcev1.ResourceDeviceClassPrefix)
}

// observeExtended adds the need for extended resources: the claim that an earlier attempt left, or one to be made.
func (p *Plugin) observeExtended(w *stateData, pod *corev1.Pod, amounts map[corev1.ResourceName]int64) error {
	claims, err := p.known.ResourceClaims().List()
	if err != nil {
		return fmt.Errorf("listing ResourceClaims: %w", err)
	}
	claim := madeFor(pod, claims)
	if claim == nil {
		claim = newExtendedClaim(pod, p.pods.Kind)
	}
	w.needs = append(w.needs, &need{claim: claim})
	w.extended = &extended{amounts: amounts, uid: claim.UID}
	return nil
}

// madeFor finds the claim that was made for the pod's extended resources.
func madeFor(pod *corev1.Pod, claims []*resourcev1.ResourceClaim) *resourcev1.ResourceClaim {
	for _, claim := range claims {
		if claim.Annotations[resourcev1.ExtendedResourceClaimAnnotation] == "true" && metav1.IsControlledBy(claim, pod) {
			return claim
		}
	}
	return nil
}

// newExtendedClaim is what the claim looks like before it is known what it has to ask for. It gets a name and its UID
// when it is created.
func newExtendedClaim(pod *corev1.Pod, kind schema.GroupVersionKind) *resourcev1.ResourceClaim {
	return &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace:    pod.Namespace,
		Name:         dra.Unnamed,
		UID:          uuid.NewUUID(),
		GenerateName: pod.Name + "-extended-resources-",
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: pod.Name, UID: pod.UID, Controller: ptr.To(true),
		}},
		Annotations: map[string]string{resourcev1.ExtendedResourceClaimAnnotation: "true"},
	}}
}

// extendedOn returns the claim that the pod would need on the node, or nil where device plugins have everything.
func (p *Plugin) extendedOn(w *stateData, pod *corev1.Pod, node fwk.NodeInfo) (*extendedClaim, *fwk.Status) {
	if w.extended == nil {
		return nil, nil
	}
	claim := w.needs[len(w.needs)-1].claim
	if claim.Spec.Devices.Requests != nil {
		// An attempt made it for some node and then failed. PostFilter deletes it; the next attempt starts anew.
		return nil, refused("cannot schedule extended resource claim")
	}
	classes := map[corev1.ResourceName]string{}
	for name, amount := range w.extended.amounts {
		if amount == 0 || !mayBeBacked(name) {
			continue
		}
		offered, listed := node.GetAllocatable().GetScalarResources()[name]
		class := p.known.DeviceClassResolver().GetDeviceClass(name)
		switch {
		case class != nil && offered == 0:
			classes[name] = class.Name
		case !listed:
			return nil, refused("cannot fit resource")
		}
	}
	requests, uses := requestsFor(pod, classes)
	if len(requests) == 0 {
		return nil, nil // The node has everything, or only the pod's overhead asks for it, which can use no device.
	}
	claim = claim.DeepCopy()
	claim.Spec.Devices.Requests = requests
	return &extendedClaim{claim: claim, uses: uses}, nil
}
