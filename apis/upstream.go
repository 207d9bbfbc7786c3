package apis

import (
	k8sadmissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	k8sauthenticationv1 "k8s.io/api/authentication/v1"
	k8sauthorizationv1 "k8s.io/api/authorization/v1"
	k8sautoscalingv1 "k8s.io/api/autoscaling/v1"
	k8scertificatesv1 "k8s.io/api/certificates/v1"
	k8scoordinationv1 "k8s.io/api/coordination/v1"
	k8scorev1 "k8s.io/api/core/v1"
	k8seventsv1 "k8s.io/api/events/v1"
	k8sflowcontrolv1 "k8s.io/api/flowcontrol/v1"
	k8snetworkingv1 "k8s.io/api/networking/v1"
	k8snodev1 "k8s.io/api/node/v1"
	k8spolicyv1 "k8s.io/api/policy/v1"
	k8srbacv1 "k8s.io/api/rbac/v1"
	k8sresourcev1 "k8s.io/api/resource/v1"
	k8sschedulingv1 "k8s.io/api/scheduling/v1"
	k8sstoragev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// upstreamGroups are the groups in which every kind is upstream's.
var upstreamGroups = []func(*runtime.Scheme) error{
	k8sadmissionregistrationv1.AddToScheme,
	k8sauthenticationv1.AddToScheme,
	k8sauthorizationv1.AddToScheme,
	k8scertificatesv1.AddToScheme,
	k8scoordinationv1.AddToScheme,
	k8seventsv1.AddToScheme,
	k8sflowcontrolv1.AddToScheme,
	k8snodev1.AddToScheme,
	k8srbacv1.AddToScheme,
	k8sresourcev1.AddToScheme,
	k8sschedulingv1.AddToScheme,
}

// upstreamKinds are the upstream kinds of groups which also hold kinds of ours. Upstream's
// own AddToScheme would register its Go types for ours as well.
var upstreamKinds = []struct {
	gv      schema.GroupVersion
	objects []runtime.Object
}{
	{k8scorev1.SchemeGroupVersion, []runtime.Object{
		&k8scorev1.Namespace{}, &k8scorev1.NamespaceList{},
		&k8scorev1.Secret{}, &k8scorev1.SecretList{},
		&k8scorev1.ConfigMap{}, &k8scorev1.ConfigMapList{},
		&k8scorev1.ServiceAccount{}, &k8scorev1.ServiceAccountList{},
		&k8scorev1.Event{}, &k8scorev1.EventList{},
		&k8scorev1.LimitRange{}, &k8scorev1.LimitRangeList{},
		&k8scorev1.ResourceQuota{}, &k8scorev1.ResourceQuotaList{},
		&k8scorev1.PodTemplate{}, &k8scorev1.PodTemplateList{},
		&k8scorev1.ComponentStatus{}, &k8scorev1.ComponentStatusList{},
		&k8scorev1.Binding{}, &k8scorev1.List{},
		&k8scorev1.RangeAllocation{}, &k8scorev1.SerializedReference{},
		&k8scorev1.PodAttachOptions{}, &k8scorev1.PodExecOptions{}, &k8scorev1.PodLogOptions{},
		&k8scorev1.PodPortForwardOptions{}, &k8scorev1.PodProxyOptions{},
		&k8scorev1.NodeProxyOptions{}, &k8scorev1.ServiceProxyOptions{},
	}},
	{k8sautoscalingv1.SchemeGroupVersion, []runtime.Object{&k8sautoscalingv1.Scale{}}},
	{k8snetworkingv1.SchemeGroupVersion, []runtime.Object{
		&k8snetworkingv1.IPAddress{}, &k8snetworkingv1.IPAddressList{},
		&k8snetworkingv1.ServiceCIDR{}, &k8snetworkingv1.ServiceCIDRList{},
	}},
	{k8spolicyv1.SchemeGroupVersion, []runtime.Object{&k8spolicyv1.Eviction{}}},
	{k8sstoragev1.SchemeGroupVersion, []runtime.Object{
		&k8sstoragev1.VolumeAttributesClass{}, &k8sstoragev1.VolumeAttributesClassList{},
	}},
}
