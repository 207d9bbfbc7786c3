package apis

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// upstreamGroups are the groups in which every kind is upstream's.
var upstreamGroups = []func(*runtime.Scheme) error{
	admissionregistrationv1.AddToScheme,
	authenticationv1.AddToScheme,
	authorizationv1.AddToScheme,
	certificatesv1.AddToScheme,
	coordinationv1.AddToScheme,
	eventsv1.AddToScheme,
	flowcontrolv1.AddToScheme,
	nodev1.AddToScheme,
	rbacv1.AddToScheme,
	resourcev1.AddToScheme,
	schedulingv1.AddToScheme,
	storagemigrationv1.AddToScheme,
}

// upstreamKinds are the upstream kinds of groups which also hold kinds of ours. Upstream's
// own AddToScheme would register its Go types for ours as well.
var upstreamKinds = []struct {
	gv      schema.GroupVersion
	objects []runtime.Object
}{
	{corev1.SchemeGroupVersion, []runtime.Object{
		&corev1.Namespace{}, &corev1.NamespaceList{},
		&corev1.Secret{}, &corev1.SecretList{},
		&corev1.ConfigMap{}, &corev1.ConfigMapList{},
		&corev1.ServiceAccount{}, &corev1.ServiceAccountList{},
		&corev1.Event{}, &corev1.EventList{},
		&corev1.LimitRange{}, &corev1.LimitRangeList{},
		&corev1.ResourceQuota{}, &corev1.ResourceQuotaList{},
		&corev1.PodTemplate{}, &corev1.PodTemplateList{},
		&corev1.ComponentStatus{}, &corev1.ComponentStatusList{},
		&corev1.Binding{}, &corev1.List{},
		&corev1.RangeAllocation{}, &corev1.SerializedReference{},
		&corev1.PodAttachOptions{}, &corev1.PodExecOptions{}, &corev1.PodLogOptions{},
		&corev1.PodPortForwardOptions{}, &corev1.PodProxyOptions{},
		&corev1.NodeProxyOptions{}, &corev1.ServiceProxyOptions{},
	}},
	{autoscalingv1.SchemeGroupVersion, []runtime.Object{&autoscalingv1.Scale{}}},
	{networkingv1.SchemeGroupVersion, []runtime.Object{
		&networkingv1.IPAddress{}, &networkingv1.IPAddressList{},
		&networkingv1.ServiceCIDR{}, &networkingv1.ServiceCIDRList{},
	}},
	{policyv1.SchemeGroupVersion, []runtime.Object{&policyv1.Eviction{}}},
	{storagev1.SchemeGroupVersion, []runtime.Object{
		&storagev1.VolumeAttributesClass{}, &storagev1.VolumeAttributesClassList{},
	}},
}
