// Package controllers is the table of all control loops: which there are, where each is at home, and on what it acts.
//
// It holds no logic and imports every room, each of which knows none of the others: they talk through the API.
package controllers

import (
	"context"
	"crypto"
	"crypto/x509"
	"net/netip"
	"time"

	"github.com/orrery-dev/orrery/controllers/admissionregistration/validatingadmissionpolicystatus"
	"github.com/orrery-dev/orrery/controllers/apps/daemonset"
	"github.com/orrery-dev/orrery/controllers/apps/deployment"
	"github.com/orrery-dev/orrery/controllers/apps/replicaset"
	"github.com/orrery-dev/orrery/controllers/apps/statefulset"
	"github.com/orrery-dev/orrery/controllers/autoscaling/horizontalpodautoscaler"
	"github.com/orrery-dev/orrery/controllers/batch/cronjob"
	"github.com/orrery-dev/orrery/controllers/batch/job"
	"github.com/orrery-dev/orrery/controllers/batch/orphanedjobpods"
	"github.com/orrery-dev/orrery/controllers/batch/ttlafterfinished"
	"github.com/orrery-dev/orrery/controllers/bootstrap/signer"
	"github.com/orrery-dev/orrery/controllers/bootstrap/tokencleaner"
	"github.com/orrery-dev/orrery/controllers/certificates/clustertrustbundlepublisher"
	"github.com/orrery-dev/orrery/controllers/certificates/csrapprover"
	"github.com/orrery-dev/orrery/controllers/certificates/csrcleaner"
	"github.com/orrery-dev/orrery/controllers/certificates/csrsigner"
	"github.com/orrery-dev/orrery/controllers/certificates/pcrcleaner"
	"github.com/orrery-dev/orrery/controllers/certificates/servingapprover"
	"github.com/orrery-dev/orrery/controllers/core/endpoints"
	"github.com/orrery-dev/orrery/controllers/core/legacytokencleaner"
	"github.com/orrery-dev/orrery/controllers/core/namespace"
	"github.com/orrery-dev/orrery/controllers/core/nodeeviction"
	"github.com/orrery-dev/orrery/controllers/core/nodeipam"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/controllers/core/nodettl"
	"github.com/orrery-dev/orrery/controllers/core/podgc"
	"github.com/orrery-dev/orrery/controllers/core/pvbinder"
	"github.com/orrery-dev/orrery/controllers/core/pvcprotection"
	"github.com/orrery-dev/orrery/controllers/core/pvexpander"
	"github.com/orrery-dev/orrery/controllers/core/pvprotection"
	"github.com/orrery-dev/orrery/controllers/core/pvreclaimer"
	"github.com/orrery-dev/orrery/controllers/core/replicationcontroller"
	"github.com/orrery-dev/orrery/controllers/core/resourcequota"
	"github.com/orrery-dev/orrery/controllers/core/rootcacertpublisher"
	"github.com/orrery-dev/orrery/controllers/core/serviceaccount"
	"github.com/orrery-dev/orrery/controllers/core/serviceaccounttokens"
	"github.com/orrery-dev/orrery/controllers/core/servicelb"
	"github.com/orrery-dev/orrery/controllers/core/tainteviction"
	"github.com/orrery-dev/orrery/controllers/core/terminatedpodgc"
	"github.com/orrery-dev/orrery/controllers/discovery/endpointslice"
	"github.com/orrery-dev/orrery/controllers/discovery/endpointslicemirroring"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/controllers/meta/garbagecollector"
	"github.com/orrery-dev/orrery/controllers/meta/storageversionmigrator"
	"github.com/orrery-dev/orrery/controllers/networking/servicecidr"
	"github.com/orrery-dev/orrery/controllers/policy/disruption"
	"github.com/orrery-dev/orrery/controllers/policy/staledisruption"
	"github.com/orrery-dev/orrery/controllers/rbac/clusterroleaggregation"
	"github.com/orrery-dev/orrery/controllers/resource/devicetainteviction"
	"github.com/orrery-dev/orrery/controllers/resource/devicetaintrule"
	"github.com/orrery-dev/orrery/controllers/resource/podresourceclaim"
	"github.com/orrery-dev/orrery/controllers/resource/resourceclaim"
	"github.com/orrery-dev/orrery/controllers/scheduling/podgroupprotection"
	"github.com/orrery-dev/orrery/controllers/storage/ephemeralvolume"
	"github.com/orrery-dev/orrery/controllers/storage/vacprotection"
	"github.com/orrery-dev/orrery/controllers/storage/volumeattach"
	"github.com/orrery-dev/orrery/controllers/storage/volumedetach"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	cloudprovider "k8s.io/cloud-provider"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Options are what loops need to know that the API cannot tell.
type Options struct {
	// Discovery lists the kinds that the API server has, as discovery.DiscoveryClient does. Required.
	Discovery kinds.Discovery
	// Schemas tells the schemas of those kinds too, as discovery.DiscoveryClient does. Required by the loop over
	// ValidatingAdmissionPolicies.
	Schemas discovery.DiscoveryInterface
	// Canonical is the name that counts, where the server shows each object by two. In the embedded server it is
	// apis.Kubernetes.GroupKind; nil means that all names are of different objects.
	Canonical func(schema.GroupKind) schema.GroupKind
	// RootCA are the certificates, in PEM, by which Pods know the API server. Empty means that none are published.
	RootCA []byte
	// SignToken signs the token of a ServiceAccount that is kept in a Secret. Nil means that the loop which fills those Secrets must
	// not be run. See serviceaccounttokens.Options.
	SignToken func(ctx context.Context, account *corev1.ServiceAccount, secret *corev1.Secret) (string, error)
	// SignCertificate signs certificates with the key of the cluster's authority. Nil means that the loop which has them signed must not
	// be run. See csrsigner.Options.
	SignCertificate func(template *x509.Certificate, public crypto.PublicKey) ([]byte, error)
	// SigningDuration is how long a certificate is good for at most that is signed on request; 0 means a year.
	SigningDuration time.Duration
	// NamespaceDeletionGracePeriod is how long a deleted Namespace is kept at least; 0 means 5 s. See namespace.Options.
	NamespaceDeletionGracePeriod time.Duration
	// ClusterCIDRs are the ranges that nodes get their pods' addresses from: one, or one per IP family. None means that
	// nodes get none.
	ClusterCIDRs []netip.Prefix
	// ServiceCIDRs are ranges that no pod may have addresses of.
	ServiceCIDRs []netip.Prefix
	// NodeCIDRMaskSizeIPv4 and NodeCIDRMaskSizeIPv6 are the lengths of a node's prefix; 0 means 24 and 64.
	NodeCIDRMaskSizeIPv4, NodeCIDRMaskSizeIPv6 int
	// Autoscaling is how metrics are read. Its clients are required.
	Autoscaling horizontalpodautoscaler.Options
	// NodeLifecycle are the times that nodes are given. The zero value has Kubernetes' own.
	NodeLifecycle nodelifecycle.Options
	// Balancer makes load balancers for Services, given what reads those. Nil means that nobody here does. See servicelb.Options.
	Balancer func(services client.Reader) cloudprovider.LoadBalancer
}

// NodeIPAM are those of them that say which addresses nodes get.
func (o Options) NodeIPAM() nodeipam.Options {
	return nodeipam.Options{
		ClusterCIDRs:         o.ClusterCIDRs,
		ServiceCIDRs:         o.ServiceCIDRs,
		NodeCIDRMaskSizeIPv4: o.NodeCIDRMaskSizeIPv4,
		NodeCIDRMaskSizeIPv6: o.NodeCIDRMaskSizeIPv6,
	}
}

func (o Options) kinds() kinds.Source {
	return kinds.Source{Discovery: o.Discovery, Canonical: o.Canonical}
}

// Scope says on what a loop acts.
type Scope string

const (
	// OurKinds is the scope of a loop that changes objects of the kinds of package apis only, and records Events. Under the
	// Orrery naming these are custom resources, which are ours on any cluster: the Nodes of such a loop are
	// nodes.core.orrery.dev.
	OurKinds Scope = "our kinds"
	// ClusterKinds is the scope of a loop that acts on what every cluster has, by the one name that it has under both namings:
	// Namespaces, ServiceAccounts, ClusterRoles, what nobody owns of any kind, and the ResourceClaims and devices of Pods. Where
	// somebody else runs the cluster, they run such loops too.
	ClusterKinds Scope = "the cluster's kinds"
	// ClusterKeys is the scope of a loop of that sort which signs with a key of the API server, and is run where that key is.
	ClusterKeys Scope = "the cluster's keys"
	// ClusterAuthority is the scope of a loop of that sort which signs with the key of the cluster's certificate authority, and is
	// run where somebody hands it that key.
	ClusterAuthority Scope = "the cluster's authority"
)

// Entry is a line of the table: a loop, its scope, and its room.
type Entry struct {
	Scope Scope
	// Room is the folder of the loop's package within this one, where its RBAC markers are.
	Room string
	// Loop is what a manager runs.
	Loop loop.Loop
}

// All returns every loop, ready to be added to a manager. The order has no meaning.
func All(o Options) []Entry {
	evicted := &devicetaints.Evictions{}
	return []Entry{
		{OurKinds, "apps/daemonset", daemonset.Loop()},
		{OurKinds, "apps/deployment", deployment.Loop()},
		{OurKinds, "apps/replicaset", replicaset.Loop()},
		{OurKinds, "apps/statefulset", statefulset.Loop()},
		{OurKinds, "autoscaling/horizontalpodautoscaler", horizontalpodautoscaler.Loop(o.Autoscaling)},
		{OurKinds, "batch/cronjob", cronjob.Loop()},
		{OurKinds, "batch/job", job.Loop()},
		{OurKinds, "batch/orphanedjobpods", orphanedjobpods.Loop()},
		{OurKinds, "batch/ttlafterfinished", ttlafterfinished.Loop()},
		{OurKinds, "core/endpoints", endpoints.Loop()},
		{OurKinds, "core/nodeeviction", nodeeviction.Loop()},
		{OurKinds, "core/nodeipam", nodeipam.Loop(o.NodeIPAM())},
		{OurKinds, "core/nodelifecycle", nodelifecycle.Loop(o.NodeLifecycle)},
		{OurKinds, "core/nodettl", nodettl.Loop()},
		{OurKinds, "core/podgc", podgc.Loop()},
		{OurKinds, "core/pvbinder", pvbinder.Loop()},
		{OurKinds, "core/pvcprotection", pvcprotection.Loop()},
		{OurKinds, "core/pvexpander", pvexpander.Loop()},
		{OurKinds, "core/pvprotection", pvprotection.Loop()},
		{OurKinds, "core/pvreclaimer", pvreclaimer.Loop()},
		{OurKinds, "core/replicationcontroller", replicationcontroller.Loop()},
		{OurKinds, "core/servicelb", servicelb.Loop(servicelb.Options{Balancer: o.Balancer})},
		{OurKinds, "core/tainteviction", tainteviction.Loop()},
		{OurKinds, "core/terminatedpodgc", terminatedpodgc.Loop(terminatedpodgc.Options{})},
		{OurKinds, "discovery/endpointslice", endpointslice.Loop()},
		{OurKinds, "discovery/endpointslicemirroring", endpointslicemirroring.Loop()},
		{OurKinds, "policy/disruption", disruption.Loop()},
		{OurKinds, "policy/staledisruption", staledisruption.Loop()},
		{OurKinds, "scheduling/podgroupprotection", podgroupprotection.Loop()},
		{OurKinds, "storage/ephemeralvolume", ephemeralvolume.Loop()},
		{OurKinds, "storage/volumeattach", volumeattach.Loop()},
		{OurKinds, "storage/volumedetach", volumedetach.Loop()},

		{ClusterKinds, "admissionregistration/validatingadmissionpolicystatus", validatingadmissionpolicystatus.Loop(validatingadmissionpolicystatus.Options{Discovery: o.Schemas})},
		{ClusterKinds, "bootstrap/signer", signer.Loop()},
		{ClusterKinds, "bootstrap/tokencleaner", tokencleaner.Loop()},
		{ClusterKinds, "certificates/clustertrustbundlepublisher", clustertrustbundlepublisher.Loop(o.RootCA)},
		{ClusterKinds, "certificates/csrapprover", csrapprover.Loop()},
		{ClusterKinds, "certificates/csrcleaner", csrcleaner.Loop()},
		{ClusterKinds, "certificates/pcrcleaner", pcrcleaner.Loop()},
		{ClusterKinds, "certificates/servingapprover", servingapprover.Loop()},
		{ClusterKinds, "core/legacytokencleaner", legacytokencleaner.Loop()},
		{ClusterKinds, "core/namespace", namespace.Loop(namespace.Options{Kinds: o.kinds(), DeletionGracePeriod: o.NamespaceDeletionGracePeriod})},
		{ClusterKinds, "core/resourcequota", resourcequota.Loop(o.kinds())},
		{ClusterKinds, "core/rootcacertpublisher", rootcacertpublisher.Loop(o.RootCA)},
		{ClusterKinds, "core/serviceaccount", serviceaccount.Loop()},
		{ClusterKinds, "meta/garbagecollector", garbagecollector.Loop(o.kinds())},
		{ClusterKinds, "meta/storageversionmigrator", storageversionmigrator.Loop(o.kinds())},
		{ClusterKinds, "networking/servicecidr", servicecidr.Loop()},
		{ClusterKinds, "rbac/clusterroleaggregation", clusterroleaggregation.Loop()},
		{ClusterKinds, "resource/devicetainteviction", devicetainteviction.Loop(devicetainteviction.Options{Evicted: evicted})},
		{ClusterKinds, "resource/devicetaintrule", devicetaintrule.Loop(devicetaintrule.Options{Evicted: evicted})},
		{ClusterKinds, "resource/podresourceclaim", podresourceclaim.Loop()},
		{ClusterKinds, "resource/resourceclaim", resourceclaim.Loop()},
		{ClusterKinds, "storage/vacprotection", vacprotection.Loop()},

		{ClusterKeys, "core/serviceaccounttokens", serviceaccounttokens.Loop(serviceaccounttokens.Options{Sign: o.SignToken, RootCA: o.RootCA})},

		{ClusterAuthority, "certificates/csrsigner", csrsigner.Loop(csrsigner.Options{Sign: o.SignCertificate, Duration: o.SigningDuration})},
	}
}

// Within returns the entries of a scope.
func Within(scope Scope, entries []Entry) []Entry {
	var within []Entry
	for _, e := range entries {
		if e.Scope == scope {
			within = append(within, e)
		}
	}
	return within
}

// Loops returns the loops of entries.
func Loops(entries []Entry) []loop.Loop {
	loops := make([]loop.Loop, len(entries))
	for i, e := range entries {
		loops[i] = e.Loop
	}
	return loops
}

// AddTo adds loops to a manager.
func AddTo(mgr manager.Manager, options loop.Options, entries []Entry) error {
	return loop.AddAll(mgr, options, Loops(entries)...)
}
