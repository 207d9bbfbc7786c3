package controllers

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// BuiltIns are all kinds that the API server of `orrery up` has of its own, by their first names, each with who acts on it. This is
// the one place that says so: warnings of the API server, the last words of `orrery up` and the table of the README follow from
// it and from All.
//
// A new loop needs no line here: its kind is served from then on. One that only protects its objects or clears them away is named
// among those that they work without.
func BuiltIns() []BuiltIn { return slices.Clone(builtIns) }

// server is who acts on what takes no loop.
const server = "the API server"

// of puts kinds into a group.
func of(group string, kinds ...BuiltIn) []BuiltIn {
	for i := range kinds {
		kinds[i].Group = group
	}
	return kinds
}

// by is a kind that somebody acts on who is no loop.
func by(kind, who string) BuiltIn { return BuiltIn{GroupKind: schema.GroupKind{Kind: kind}, By: who} }

// takesLoop is a kind of which something fails to happen without a loop, besides those of some rooms.
func takesLoop(kind, without string, besides ...string) BuiltIn {
	return BuiltIn{GroupKind: schema.GroupKind{Kind: kind}, Without: without, Besides: besides}
}

var builtIns = slices.Concat(
	of("",
		by("Binding", server),
		by("ComponentStatus", server),
		by("ConfigMap", "pods, to which node agents hand it"),
		takesLoop("Endpoints", "it is not mirrored into EndpointSlices, so that no traffic follows it"),
		by("Event", "people and programs that read it"),
		by("LimitRange", server),
		takesLoop("Namespace", "it is never emptied and removed"),
		takesLoop("Node", "it is never missed when it falls silent", "core/nodettl"),
		takesLoop("PersistentVolume", "no claim is bound to it", "core/pvprotection"),
		takesLoop("PersistentVolumeClaim", "no volume is found or made for it", "core/pvcprotection", "core/pvexpander"),
		by("Pod", "the scheduler and node agents"),
		by("PodTemplate", "whoever reads it: nothing follows from it in any cluster"),
		takesLoop("ReplicationController", "no pods are made from it"),
		takesLoop("ResourceQuota", "nobody counts what is used, and what it limits is refused"),
		by("Secret", "pods, to which node agents hand it"),
		takesLoop("Service", "it never finds its pods"),
		by("ServiceAccount", server),
	),
	of("admissionregistration.k8s.io",
		by("MutatingAdmissionPolicy", server),
		by("MutatingAdmissionPolicyBinding", server),
		by("MutatingWebhookConfiguration", server),
		by("ValidatingAdmissionPolicy", server),
		by("ValidatingAdmissionPolicyBinding", server),
		by("ValidatingWebhookConfiguration", server),
	),
	of("apiextensions.k8s.io",
		by("CustomResourceDefinition", server),
	),
	of("apiregistration.k8s.io",
		by("APIService", server),
	),
	of("apps",
		by("ControllerRevision", "the controllers that write it"),
		takesLoop("DaemonSet", "no pods are made from it"),
		takesLoop("Deployment", "no ReplicaSets are made from it"),
		takesLoop("ReplicaSet", "no pods are made from it"),
		takesLoop("StatefulSet", "no pods are made from it"),
	),
	of("authentication.k8s.io",
		by("SelfSubjectReview", server),
		by("TokenReview", server),
	),
	of("authorization.k8s.io",
		by("LocalSubjectAccessReview", server),
		by("SelfSubjectAccessReview", server),
		by("SelfSubjectRulesReview", server),
		by("SubjectAccessReview", server),
	),
	of("autoscaling",
		takesLoop("HorizontalPodAutoscaler", "it scales nothing"),
	),
	of("batch",
		takesLoop("CronJob", "no Jobs are made from it"),
		takesLoop("Job", "no pods are made from it", "batch/ttlafterfinished"),
	),
	of("certificates.k8s.io",
		takesLoop("CertificateSigningRequest", "nobody signs it", "certificates/csrapprover", "certificates/csrcleaner", "certificates/servingapprover"),
		by("ClusterTrustBundle", "pods, to which node agents hand it"),
		by("PodCertificateRequest", "the signer that it names"),
	),
	of("coordination.k8s.io",
		by("Lease", "who holds it"),
	),
	of("discovery.k8s.io",
		by("EndpointSlice", "the service proxy"),
	),
	of("events.k8s.io",
		by("Event", "people and programs that read it"),
	),
	of("flowcontrol.apiserver.k8s.io",
		by("FlowSchema", server),
		by("PriorityLevelConfiguration", server),
	),
	of("networking.k8s.io",
		by("IPAddress", server),
		takesLoop("Ingress", "no traffic is routed by it without 'orrery up --ingress', unless by a controller of its class"),
		by("IngressClass", "the Ingress controllers that it names"),
		by("NetworkPolicy", "the nodes that run containers"),
		takesLoop("ServiceCIDR", "it is never said to be ready, and it is not protected while addresses of it are in use"),
	),
	of("node.k8s.io",
		by("RuntimeClass", "the API server, the scheduler and node agents"),
	),
	of("policy",
		takesLoop("PodDisruptionBudget", "nobody counts how many pods may go, and evictions of its pods are refused"),
	),
	of("rbac.authorization.k8s.io",
		by("ClusterRole", server),
		by("ClusterRoleBinding", server),
		by("Role", server),
		by("RoleBinding", server),
	),
	of("resource.k8s.io",
		by("DeviceClass", "the scheduler"),
		takesLoop("DeviceTaintRule", "no pod is evicted by it"),
		takesLoop("ResourceClaim", "nobody looks after who uses it"),
		by("ResourceClaimTemplate", "the loop of the pods that name it"),
		by("ResourceSlice", "the scheduler"),
	),
	of("scheduling.k8s.io",
		by("PodGroup", "the scheduler"),
		by("PriorityClass", server),
		by("Workload", "whoever makes PodGroups by it"),
	),
	of("storage.k8s.io",
		by("CSIDriver", "who drives volumes"),
		by("CSINode", "the scheduler"),
		by("CSIStorageCapacity", "the scheduler"),
		by("StorageClass", "who makes volumes by it"),
		takesLoop("VolumeAttachment", "no volume is attached by it"),
		takesLoop("VolumeAttributesClass", "it is never removed, as nobody takes back the finalizer that it gets"),
	),
	of("storagemigration.k8s.io",
		takesLoop("StorageVersionMigration", "nothing is migrated by it"),
	),
)
