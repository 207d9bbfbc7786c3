package apis

import (
	"reflect"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	onetworkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Scope says whether the objects of a kind live in a namespace.
type Scope bool

const (
	// Namespaced objects live in a namespace.
	Namespaced Scope = true
	// Cluster objects live in none.
	Cluster Scope = false
)

// Kind describes one kind of ours. A kind that Kubernetes has too has two names; any other has
// the same name under both namings.
type Kind struct {
	// Kind is its name within its group, such as "Deployment".
	Kind string
	// Resource is its plural name, such as "deployments".
	Resource string
	// Scope says whether its objects live in a namespace.
	Scope Scope

	gv        schema.GroupVersion
	obj, list runtime.Object
}

// GroupVersionKind returns the kind's name under a naming.
func (k Kind) GroupVersionKind(n Naming) schema.GroupVersionKind {
	return k.groupVersion(n).WithKind(k.Kind)
}

// GroupVersionResource returns the resource's name under a naming.
func (k Kind) GroupVersionResource(n Naming) schema.GroupVersionResource {
	return k.groupVersion(n).WithResource(k.Resource)
}

// New returns an empty object of the kind, without apiVersion and kind.
func (k Kind) New() runtime.Object { return k.obj.DeepCopyObject() }

// NewList returns an empty list of the kind, without apiVersion and kind.
func (k Kind) NewList() runtime.Object { return k.list.DeepCopyObject() }

func (k Kind) groupVersion(n Naming) schema.GroupVersion {
	return schema.GroupVersion{Group: n.Group(k.gv.Group), Version: k.gv.Version}
}

// Kinds returns every kind of ours, grouped by API group. The slice is the caller's own.
func Kinds() []Kind { return append([]Kind(nil), kinds...) }

var kinds = []Kind{
	kind(ocorev1.GroupVersion, "pods", Namespaced, &ocorev1.Pod{}, &ocorev1.PodList{}),
	kind(ocorev1.GroupVersion, "nodes", Cluster, &ocorev1.Node{}, &ocorev1.NodeList{}),
	kind(ocorev1.GroupVersion, "services", Namespaced, &ocorev1.Service{}, &ocorev1.ServiceList{}),
	kind(ocorev1.GroupVersion, "endpoints", Namespaced, &ocorev1.Endpoints{}, &ocorev1.EndpointsList{}),
	kind(ocorev1.GroupVersion, "replicationcontrollers", Namespaced, &ocorev1.ReplicationController{}, &ocorev1.ReplicationControllerList{}),
	kind(ocorev1.GroupVersion, "persistentvolumes", Cluster, &ocorev1.PersistentVolume{}, &ocorev1.PersistentVolumeList{}),
	kind(ocorev1.GroupVersion, "persistentvolumeclaims", Namespaced, &ocorev1.PersistentVolumeClaim{}, &ocorev1.PersistentVolumeClaimList{}),

	kind(oappsv1.GroupVersion, "deployments", Namespaced, &oappsv1.Deployment{}, &oappsv1.DeploymentList{}),
	kind(oappsv1.GroupVersion, "replicasets", Namespaced, &oappsv1.ReplicaSet{}, &oappsv1.ReplicaSetList{}),
	kind(oappsv1.GroupVersion, "statefulsets", Namespaced, &oappsv1.StatefulSet{}, &oappsv1.StatefulSetList{}),
	kind(oappsv1.GroupVersion, "daemonsets", Namespaced, &oappsv1.DaemonSet{}, &oappsv1.DaemonSetList{}),
	kind(oappsv1.GroupVersion, "controllerrevisions", Namespaced, &oappsv1.ControllerRevision{}, &oappsv1.ControllerRevisionList{}),

	kind(obatchv1.GroupVersion, "jobs", Namespaced, &obatchv1.Job{}, &obatchv1.JobList{}),
	kind(obatchv1.GroupVersion, "cronjobs", Namespaced, &obatchv1.CronJob{}, &obatchv1.CronJobList{}),

	kind(oautoscalingv2.GroupVersion, "horizontalpodautoscalers", Namespaced, &oautoscalingv2.HorizontalPodAutoscaler{}, &oautoscalingv2.HorizontalPodAutoscalerList{}),

	kind(opolicyv1.GroupVersion, "poddisruptionbudgets", Namespaced, &opolicyv1.PodDisruptionBudget{}, &opolicyv1.PodDisruptionBudgetList{}),

	kind(odiscoveryv1.GroupVersion, "endpointslices", Namespaced, &odiscoveryv1.EndpointSlice{}, &odiscoveryv1.EndpointSliceList{}),

	kind(onetworkingv1.GroupVersion, "networkpolicies", Namespaced, &onetworkingv1.NetworkPolicy{}, &onetworkingv1.NetworkPolicyList{}),
	kind(onetworkingv1.GroupVersion, "ingresses", Namespaced, &onetworkingv1.Ingress{}, &onetworkingv1.IngressList{}),
	kind(onetworkingv1.GroupVersion, "ingressclasses", Cluster, &onetworkingv1.IngressClass{}, &onetworkingv1.IngressClassList{}),

	kind(ostoragev1.GroupVersion, "storageclasses", Cluster, &ostoragev1.StorageClass{}, &ostoragev1.StorageClassList{}),
	kind(ostoragev1.GroupVersion, "volumeattachments", Cluster, &ostoragev1.VolumeAttachment{}, &ostoragev1.VolumeAttachmentList{}),
	kind(ostoragev1.GroupVersion, "csidrivers", Cluster, &ostoragev1.CSIDriver{}, &ostoragev1.CSIDriverList{}),
	kind(ostoragev1.GroupVersion, "csinodes", Cluster, &ostoragev1.CSINode{}, &ostoragev1.CSINodeList{}),
	kind(ostoragev1.GroupVersion, "csistoragecapacities", Namespaced, &ostoragev1.CSIStorageCapacity{}, &ostoragev1.CSIStorageCapacityList{}),

	kind(oschedulingv1beta1.GroupVersion, "podgroups", Namespaced, &oschedulingv1beta1.PodGroup{}, &oschedulingv1beta1.PodGroupList{}),
	kind(oschedulingv1beta1.GroupVersion, "workloads", Namespaced, &oschedulingv1beta1.Workload{}, &oschedulingv1beta1.WorkloadList{}),
}

func kind(gv schema.GroupVersion, resource string, scope Scope, obj, list runtime.Object) Kind {
	return Kind{
		Kind:     reflect.TypeOf(obj).Elem().Name(),
		Resource: resource,
		Scope:    scope,
		gv:       gv,
		obj:      obj,
		list:     list,
	}
}
