package controllers

import "slices"

// upstream is a controller of kube-controller-manager, by the names that its --controllers takes, and what it is here.
type upstream struct {
	name string
	// alias is what it was called before; empty if nothing else.
	alias string
	// off says that it runs only where it is named.
	off bool
	// and is a second loop of it here, besides that of its name; empty if there is none.
	and string
	// absent is what nobody does here, for want of a loop; empty where there is one.
	absent string
}

// upstreams are all controllers of kube-controller-manager 1.37.
var upstreams = []upstream{
	{name: "bootstrap-signer-controller", alias: "bootstrapsigner", off: true},
	{name: "certificatesigningrequest-approving-controller", alias: "csrapproving", and: "kubelet-serving-csr-approver"},
	{name: "certificatesigningrequest-cleaner-controller", alias: "csrcleaner"},
	{name: "certificatesigningrequest-signing-controller", alias: "csrsigning"},
	{name: "clusterrole-aggregation-controller", alias: "clusterrole-aggregation"},
	{name: "cronjob-controller", alias: "cronjob"},
	{name: "daemonset-controller", alias: "daemonset"},
	{name: "deployment-controller", alias: "deployment"},
	{name: "device-taint-eviction-controller", and: "device-taint-rule-controller"},
	{name: "disruption-controller", alias: "disruption", and: "stale-disruption-controller"},
	{name: "endpoints-controller", alias: "endpoint"},
	{name: "endpointslice-controller", alias: "endpointslice"},
	{name: "endpointslice-mirroring-controller", alias: "endpointslicemirroring"},
	{name: "ephemeral-volume-controller", alias: "ephemeral-volume"},
	{name: "garbage-collector-controller", alias: "garbagecollector"},
	{name: "horizontal-pod-autoscaler-controller", alias: "horizontalpodautoscaling"},
	{name: "job-controller", alias: "job", and: "orphaned-job-pod-controller"},
	{name: "kube-apiserver-serving-clustertrustbundle-publisher-controller"},
	{name: "legacy-serviceaccount-token-cleaner-controller", alias: "legacy-service-account-token-cleaner"},
	{name: "namespace-controller", alias: "namespace"},
	{name: "node-ipam-controller", alias: "nodeipam"},
	{name: "node-lifecycle-controller", alias: "nodelifecycle", and: "node-eviction-controller"},
	{name: "persistentvolume-attach-detach-controller", alias: "attachdetach", and: "persistentvolume-detach-controller"},
	{name: "persistentvolume-binder-controller", alias: "persistentvolume-binder", and: "persistentvolume-reclaimer-controller"},
	{name: "persistentvolume-expander-controller", alias: "persistentvolume-expander"},
	{name: "persistentvolume-protection-controller", alias: "pv-protection"},
	{name: "persistentvolumeclaim-protection-controller", alias: "pvc-protection"},
	{name: "pod-garbage-collector-controller", alias: "podgc", and: "terminated-pod-garbage-collector-controller"},
	{name: "podcertificaterequest-cleaner-controller"},
	{name: "podgroup-protection-controller"},
	{name: "replicaset-controller", alias: "replicaset"},
	{name: "replicationcontroller-controller", alias: "replicationcontroller"},
	{name: "resourceclaim-controller", alias: "resource-claim-controller", and: "pod-resourceclaim-controller"},
	{name: "resourcepoolstatusrequest-controller", absent: "nobody answers how much of a pool of devices is free"},
	{name: "resourcequota-controller", alias: "resourcequota"},
	{name: "root-ca-certificate-publisher-controller", alias: "root-ca-cert-publisher"},
	{name: "selinux-warning-controller", off: true, absent: "nobody warns of pods that share a volume under different SELinux labels"},
	{name: "service-cidr-controller"},
	{name: "serviceaccount-controller", alias: "serviceaccount"},
	{name: "serviceaccount-token-controller", alias: "serviceaccount-token"},
	{name: "statefulset-controller", alias: "statefulset"},
	{name: "storage-version-migrator-controller", alias: "svm"},
	{name: "storageversion-garbage-collector-controller", alias: "storage-version-gc", absent: "there are no StorageVersions: their API is off in 1.37"},
	{name: "taint-eviction-controller"},
	{name: "token-cleaner-controller", alias: "tokencleaner", off: true},
	{name: "ttl-after-finished-controller", alias: "ttl-after-finished"},
	{name: "ttl-controller", alias: "ttl"},
	{name: "validatingadmissionpolicy-status-controller"},
	{name: "volumeattributesclass-protection-controller"},
}

// clouds are the controllers of cloud-controller-manager, which were once kube-controller-manager's, that are loops here.
var clouds = []upstream{
	{name: "service-lb-controller", alias: "service"},
}

// upstreamOf is the controller of kube-controller-manager that a loop does the work of, or a part of it; ok is false for a loop
// that neither it nor cloud-controller-manager has a counterpart of.
func upstreamOf(loop string) (u upstream, ok bool) {
	for _, u := range slices.Concat(upstreams, clouds) {
		if loop == u.name || u.and != "" && loop == u.and {
			return u, true
		}
	}
	return upstream{}, false
}

// canonicalName is the name of a controller that is called by this one or by an alias.
func canonicalName(name string) string {
	for _, u := range slices.Concat(upstreams, clouds) {
		if name == u.alias && name != "" {
			return u.name
		}
	}
	return name
}
