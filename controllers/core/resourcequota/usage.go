package resourcequota

import (
	"slices"
	"strings"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	podresources "k8s.io/component-helpers/resource"
)

// number is how many there are of something.
func number(n int) resource.Quantity { return *resource.NewQuantity(int64(n), resource.DecimalSI) }

// add adds to a sum in place.
func add(sum, usage corev1.ResourceList) {
	for name, quantity := range usage {
		total := sum[name]
		total.Add(quantity)
		sum[name] = total
	}
}

// podUsage is what a pod is charged for. The pod's own requests and limits count where it has some, else those of its containers, as
// for scheduling: init containers while they may need more, sidecars always, and overhead on top. While it is resized, what it has
// still counts.
func podUsage(pod *ocorev1.Pod, now time.Time) corev1.ResourceList {
	usage := corev1.ResourceList{countPrefix + "pods": number(1)}
	if !holdsResources(pod, now) {
		return usage
	}
	options := podresources.PodResourcesOptions{UseStatusResources: true}
	usage[corev1.ResourcePods] = number(1)
	for name, request := range podresources.PodRequests((*corev1.Pod)(pod), options) {
		for _, charged := range requestNames(name) {
			usage[charged] = request
		}
	}
	for name, limit := range podresources.PodLimits((*corev1.Pod)(pod), options) {
		if computes(name) {
			usage["limits."+name] = limit
		}
	}
	return usage
}

// requestNames are the names by which a quota limits requests for a resource.
func requestNames(name corev1.ResourceName) []corev1.ResourceName {
	limited := corev1.DefaultResourceRequestsPrefix + name
	switch {
	case computes(name), strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix):
		return []corev1.ResourceName{name, limited}
	case isExtended(string(name)):
		return []corev1.ResourceName{limited}
	default:
		return nil
	}
}

// computes reports that a resource is one of those that every node has.
func computes(name corev1.ResourceName) bool {
	return slices.Contains([]corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}, name)
}

// holdsResources reports that a pod is charged for more than being there: it has not ended, and its node agent is not overdue with
// ending it.
func holdsResources(pod *ocorev1.Pod, now time.Time) bool {
	overdue, deleted := overdueAt(pod)
	return !replicas.Ended(pod) && (!deleted || !now.After(overdue))
}

// overdueAt is when a deleted pod should long have been gone: its grace after its deletion, which is its grace after it was asked for.
func overdueAt(pod *ocorev1.Pod) (at time.Time, deleted bool) {
	if pod.DeletionTimestamp == nil || pod.DeletionGracePeriodSeconds == nil {
		return time.Time{}, false
	}
	return pod.DeletionTimestamp.Add(time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second), true
}

// serviceUsage is what a Service is charged for: the node ports that it asks for, whether or not it has got them.
func serviceUsage(service *ocorev1.Service) corev1.ResourceList {
	nodePorts, balancers := 0, 0
	switch service.Spec.Type {
	case corev1.ServiceTypeNodePort:
		nodePorts = len(service.Spec.Ports)
	case corev1.ServiceTypeLoadBalancer:
		nodePorts, balancers = balancedPorts(&service.Spec), 1
	}
	return corev1.ResourceList{
		countPrefix + "services":             number(1),
		corev1.ResourceServices:              number(1),
		corev1.ResourceServicesNodePorts:     number(nodePorts),
		corev1.ResourceServicesLoadBalancers: number(balancers),
	}
}

// balancedPorts is how many node ports a Service with a load balancer asks for: one for each port, or those it names itself.
func balancedPorts(spec *corev1.ServiceSpec) int {
	if allocate := spec.AllocateLoadBalancerNodePorts; allocate == nil || *allocate {
		return len(spec.Ports)
	}
	named := 0
	for _, port := range spec.Ports {
		if port.NodePort != 0 {
			named++
		}
	}
	return named
}

// claimUsage is what a claim is charged for, in all and of its StorageClass.
func claimUsage(claim *ocorev1.PersistentVolumeClaim) corev1.ResourceList {
	usage := corev1.ResourceList{corev1.ResourcePersistentVolumeClaims: number(1)}
	if storage, asked := storageOf(claim); asked {
		usage[corev1.ResourceRequestsStorage] = storage
	}
	if class := storageClassOf(claim); class != "" {
		ofClass := corev1.ResourceList{}
		for name, quantity := range usage {
			ofClass[corev1.ResourceName(class+classInfix)+name] = quantity
		}
		add(usage, ofClass)
	}
	usage[countPrefix+"persistentvolumeclaims"] = number(1)
	return usage
}

// storageOf is how much storage a claim asks for, in whole bytes. Until an expansion that it has given up is undone, what has been
// allocated for it counts.
func storageOf(claim *ocorev1.PersistentVolumeClaim) (storage resource.Quantity, asked bool) {
	storage, asked = claim.Spec.Resources.Requests[corev1.ResourceStorage]
	if !asked {
		return storage, false
	}
	storage = storage.DeepCopy()
	storage.RoundUp(0)
	if allocated, ok := claim.Status.AllocatedResources[corev1.ResourceStorage]; ok && allocated.Cmp(storage) > 0 {
		storage = allocated.DeepCopy()
		storage.RoundUp(0)
	}
	return storage, true
}

// storageClassOf is the StorageClass of a claim; an annotation that is older than the field goes first.
func storageClassOf(claim *ocorev1.PersistentVolumeClaim) string {
	if class, annotated := claim.Annotations[corev1.BetaStorageClassAnnotation]; annotated {
		return class
	}
	if claim.Spec.StorageClassName == nil {
		return ""
	}
	return *claim.Spec.StorageClassName
}
