package resourcequota

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
)

// The resources that are charged for more than being there.
var (
	pods     = schema.GroupResource{Resource: "pods"}
	services = schema.GroupResource{Resource: "services"}
	claims   = schema.GroupResource{Resource: "persistentvolumeclaims"}
)

const (
	countPrefix = "count/"
	// classInfix stands between the name of a StorageClass and what is limited of it.
	classInfix = ".storageclass.storage.k8s.io/"
)

// charged are the names that quotas know objects by, besides count/RESOURCE.GROUP: what is charged for each.
var charged = map[corev1.ResourceName]schema.GroupResource{
	corev1.ResourcePods:                     pods,
	corev1.ResourceCPU:                      pods,
	corev1.ResourceMemory:                   pods,
	corev1.ResourceEphemeralStorage:         pods,
	corev1.ResourceRequestsCPU:              pods,
	corev1.ResourceRequestsMemory:           pods,
	corev1.ResourceRequestsEphemeralStorage: pods,
	corev1.ResourceLimitsCPU:                pods,
	corev1.ResourceLimitsMemory:             pods,
	corev1.ResourceLimitsEphemeralStorage:   pods,

	corev1.ResourceServices:              services,
	corev1.ResourceServicesNodePorts:     services,
	corev1.ResourceServicesLoadBalancers: services,

	corev1.ResourcePersistentVolumeClaims: claims,
	corev1.ResourceRequestsStorage:        claims,

	corev1.ResourceConfigMaps:             {Resource: "configmaps"},
	corev1.ResourceSecrets:                {Resource: "secrets"},
	corev1.ResourceQuotas:                 {Resource: "resourcequotas"},
	corev1.ResourceReplicationControllers: {Resource: "replicationcontrollers"},
}

// chargedTo is the resource whose objects are charged to a name in a quota; known is false if nobody is.
func chargedTo(name corev1.ResourceName) (resource schema.GroupResource, known bool) {
	if resource, known := charged[name]; known {
		return resource, true
	}
	text := string(name)
	counted, isCount := strings.CutPrefix(text, countPrefix)
	switch {
	case isCount:
		return schema.ParseGroupResource(counted), true
	case strings.HasSuffix(text, classInfix+string(corev1.ResourcePersistentVolumeClaims)),
		strings.HasSuffix(text, classInfix+string(corev1.ResourceRequestsStorage)):
		return claims, true
	case strings.HasPrefix(text, corev1.ResourceHugePagesPrefix), strings.HasPrefix(text, corev1.ResourceRequestsHugePagesPrefix):
		return pods, true
	}
	extended, isRequest := strings.CutPrefix(text, corev1.DefaultResourceRequestsPrefix)
	return pods, isRequest && isExtended(extended)
}

// isExtended reports that a resource of containers is none of Kubernetes' own, or stands for devices of a class.
func isExtended(name string) bool {
	native := !strings.Contains(name, "/") || strings.Contains(name, corev1.ResourceDefaultNamespacePrefix)
	return !native || strings.HasPrefix(name, resourcev1.ResourceDeviceClassPrefix)
}

// countOf are the names by which a quota limits how many objects of a resource there are.
func countOf(resource schema.GroupResource) []corev1.ResourceName {
	names := []corev1.ResourceName{corev1.ResourceName(countPrefix + resource.String())}
	if short := corev1.ResourceName(resource.Resource); charged[short] == resource {
		names = append(names, short)
	}
	return names
}

// resourcesOf are the resources whose objects a quota counts.
func resourcesOf(quota *corev1.ResourceQuota) sets.Set[schema.GroupResource] {
	resources := sets.New[schema.GroupResource]()
	for name := range quota.Spec.Hard {
		if resource, known := chargedTo(name); known {
			resources.Insert(resource)
		}
	}
	return resources
}
