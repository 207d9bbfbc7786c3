package apis

import (
	"reflect"

	appsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	autoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	batchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	discoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	networkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
	policyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	schedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	storagev1 "github.com/orrery-dev/orrery/apis/storage/v1"
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
	kind(corev1.GroupVersion, "pods", Namespaced, &corev1.Pod{}, &corev1.PodList{}),
	kind(corev1.GroupVersion, "nodes", Cluster, &corev1.Node{}, &corev1.NodeList{}),
	kind(corev1.GroupVersion, "services", Namespaced, &corev1.Service{}, &corev1.ServiceList{}),
	kind(corev1.GroupVersion, "endpoints", Namespaced, &corev1.Endpoints{}, &corev1.EndpointsList{}),
	kind(corev1.GroupVersion, "replicationcontrollers", Namespaced, &corev1.ReplicationController{}, &corev1.ReplicationControllerList{}),
	kind(corev1.GroupVersion, "persistentvolumes", Cluster, &corev1.PersistentVolume{}, &corev1.PersistentVolumeList{}),
	kind(corev1.GroupVersion, "persistentvolumeclaims", Namespaced, &corev1.PersistentVolumeClaim{}, &corev1.PersistentVolumeClaimList{}),

	kind(appsv1.GroupVersion, "deployments", Namespaced, &appsv1.Deployment{}, &appsv1.DeploymentList{}),
	kind(appsv1.GroupVersion, "replicasets", Namespaced, &appsv1.ReplicaSet{}, &appsv1.ReplicaSetList{}),
	kind(appsv1.GroupVersion, "statefulsets", Namespaced, &appsv1.StatefulSet{}, &appsv1.StatefulSetList{}),
	kind(appsv1.GroupVersion, "daemonsets", Namespaced, &appsv1.DaemonSet{}, &appsv1.DaemonSetList{}),
	kind(appsv1.GroupVersion, "controllerrevisions", Namespaced, &appsv1.ControllerRevision{}, &appsv1.ControllerRevisionList{}),

	kind(batchv1.GroupVersion, "jobs", Namespaced, &batchv1.Job{}, &batchv1.JobList{}),
	kind(batchv1.GroupVersion, "cronjobs", Namespaced, &batchv1.CronJob{}, &batchv1.CronJobList{}),

	kind(autoscalingv2.GroupVersion, "horizontalpodautoscalers", Namespaced, &autoscalingv2.HorizontalPodAutoscaler{}, &autoscalingv2.HorizontalPodAutoscalerList{}),

	kind(policyv1.GroupVersion, "poddisruptionbudgets", Namespaced, &policyv1.PodDisruptionBudget{}, &policyv1.PodDisruptionBudgetList{}),

	kind(discoveryv1.GroupVersion, "endpointslices", Namespaced, &discoveryv1.EndpointSlice{}, &discoveryv1.EndpointSliceList{}),

	kind(networkingv1.GroupVersion, "networkpolicies", Namespaced, &networkingv1.NetworkPolicy{}, &networkingv1.NetworkPolicyList{}),
	kind(networkingv1.GroupVersion, "ingresses", Namespaced, &networkingv1.Ingress{}, &networkingv1.IngressList{}),
	kind(networkingv1.GroupVersion, "ingressclasses", Cluster, &networkingv1.IngressClass{}, &networkingv1.IngressClassList{}),

	kind(storagev1.GroupVersion, "storageclasses", Cluster, &storagev1.StorageClass{}, &storagev1.StorageClassList{}),
	kind(storagev1.GroupVersion, "volumeattachments", Cluster, &storagev1.VolumeAttachment{}, &storagev1.VolumeAttachmentList{}),
	kind(storagev1.GroupVersion, "csidrivers", Cluster, &storagev1.CSIDriver{}, &storagev1.CSIDriverList{}),
	kind(storagev1.GroupVersion, "csinodes", Cluster, &storagev1.CSINode{}, &storagev1.CSINodeList{}),
	kind(storagev1.GroupVersion, "csistoragecapacities", Namespaced, &storagev1.CSIStorageCapacity{}, &storagev1.CSIStorageCapacityList{}),

	kind(schedulingv1beta1.GroupVersion, "podgroups", Namespaced, &schedulingv1beta1.PodGroup{}, &schedulingv1beta1.PodGroupList{}),
	kind(schedulingv1beta1.GroupVersion, "workloads", Namespaced, &schedulingv1beta1.Workload{}, &schedulingv1beta1.WorkloadList{}),
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
