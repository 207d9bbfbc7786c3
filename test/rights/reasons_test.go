package rights_test

import (
	"slices"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/envtest/rbac"
)

// reason is why some users have a right that the session does not use.
type reason struct {
	// who is a user, or the beginning of the names of several.
	who string
	// verb and what are the right: a resource by its name and group, as in "pods" or "deployments.apps/status". An empty one is
	// any.
	verb, what string
	// only narrows it to rights that stand beside others; nil does not.
	only func(g rbac.Grant, all []rbac.Grant) bool
	why  string
}

// loops is how the names of all loops begin.
const loops = "orrery:controller:"

// unused are the reasons, besides those that hold for every manager and for every loop: rbac.Unseen and rbac.Loops.
var unused = []reason{
	{
		who: loops, what: "signers.certificates.k8s.io",
		why: "it is no request: the API server asks for it of who approves or signs a request, or attests to a bundle, for a signer",
	},

	{
		who: identity.MetricsServer.User, what: "nodes/metrics",
		why: "it is no request to the API server: a node asks for it, of who wants its figures",
	},
	{
		who: loops + "certificatesigningrequest-cleaner-controller", verb: "delete",
		why: "it deletes what is an hour old, which nothing here is",
	},
	{
		who: loops + "legacy-serviceaccount-token-cleaner-controller", verb: "patch",
		why: "it begins when nobody has used a token for a year",
	},
	{
		who: loops + "legacy-serviceaccount-token-cleaner-controller", verb: "delete",
		why: "as for what it marks",
	},
	{
		who: loops + "podcertificaterequest-cleaner-controller", verb: "delete",
		why: "it deletes what is a quarter of an hour old, which nothing here is",
	},
	{
		who: loops + "clusterrole-aggregation-controller", verb: "escalate",
		why: "it is no request: the API server asks for it of who writes rights that they lack into a role",
	},
	{
		who: loops + "cronjob-controller",
		why: "a schedule is due once a minute at most, which is too long to wait for: controllers/batch/cronjob tests it",
	},
	{
		who: loops + "daemonset-controller", verb: "patch", what: "controllerrevisions.apps",
		why: "it numbers the revision of a template that comes back anew, and none does",
	},
	{
		who: loops + "daemonset-controller", verb: "patch", what: "pods",
		why: "it adopts pods that it selects, and lets go those that it selects no more",
	},
	{
		who: loops + "disruption-controller", verb: "get", what: "*.*/scale",
		why: "it asks for the scale of what controls pods and is of none of the kinds that it watches, which nothing here is",
	},
	{
		who: loops + "endpoints-controller", verb: "create", what: "events.events.k8s.io",
		why: "it tells of Endpoints that cannot be written, and all could be",
	},
	{
		who: loops + "endpointslice-mirroring-controller", verb: "create", what: "events.events.k8s.io",
		why: "it tells of addresses that are left out, and there were few",
	},
	{
		who: loops + "endpointslice-controller", verb: "create", what: "events.events.k8s.io",
		why: "it tells of slices that cannot be written, and all could be",
	},
	{
		who: loops + "horizontal-pod-autoscaler-controller", verb: "get", what: "*.custom.metrics.k8s.io",
		why: "it asks for custom metrics where somebody serves them, which nobody does here: controllers/autoscaling/live tests it",
	},
	{
		who: loops + "namespace-controller", verb: "delete", what: "*.*",
		why: "a kind that cannot be deleted as a collection, as an aggregated server may have, is deleted object by object",
	},
	{
		who: loops + "node-ipam-controller", verb: "create", what: "events.events.k8s.io",
		why: "it tells that no range is left, and some were",
	},
	{
		who: loops + "node-lifecycle-controller", verb: "patch", what: "pods/status",
		why: "it makes pods unready of a node that was ready; this one never was, and its pod may be evicted first",
	},
	{
		who: loops + "persistentvolume-attach-detach-controller", verb: "create",
		why: "it attaches volumes of CSI drivers, of which no pod here has any: controllers/storage/live tests it",
	},
	{
		who: loops + "persistentvolume-detach-controller", verb: "create",
		why: "it says what has been attached, which nothing here is",
	},
	{
		who: loops + "persistentvolume-detach-controller", verb: "delete",
		why: "it detaches what has been attached, which nothing here is",
	},
	{
		who: loops + "persistentvolume-detach-controller", verb: "patch",
		why: "it tells nodes what has been attached, which nothing here is",
	},
	{
		who: loops + "persistentvolume-expander-controller", verb: "patch", what: "persistentvolumeclaims",
		why: "it names the driver that has taken over from the plugin of a volume, and no volume here is of a plugin",
	},
	{
		who: loops + "pod-resourceclaim-controller", what: "resourceclaims.resource.k8s.io/binding",
		why: "it is no request: the API server asks for it of who changes for whom a claim is reserved",
	},
	{
		who: loops + "resourceclaim-controller", what: "resourceclaims.resource.k8s.io/binding",
		why: "as for pod-resourceclaim-controller",
	},
	{
		who: loops + "replicationcontroller-controller", verb: "patch", what: "pods",
		why: "it adopts pods that it selects, and lets go those that it selects no more",
	},
	{
		who: loops + "service-cidr-controller", verb: "create", what: "events.events.k8s.io",
		why: "it tells of a status that cannot be written, and all could be",
	},
	{
		who: loops + "stale-disruption-controller", what: "pods/status",
		why: "it begins when a pod was to be disrupted two minutes ago",
	},
	{
		who: loops + "storage-version-migrator-controller", verb: "patch",
		why: "it migrates what somebody asks for, which nobody here does: controllers/meta/live tests it",
	},
	{
		who: loops + "storage-version-migrator-controller", verb: "list", what: "*.*",
		why: "as for patches",
	},
	{
		who: loops + "storage-version-migrator-controller", verb: "get", what: "customresourcedefinitions.apiextensions.k8s.io",
		why: "as for patches",
	},
	{
		who: loops + "statefulset-controller", verb: "patch", what: "controllerrevisions.apps",
		why: "it numbers the revision of a template that comes back anew, and none does",
	},
	{
		who: loops + "statefulset-controller", verb: "patch", what: "pods",
		why: "it adopts pods that it selects, and lets go those that it selects no more",
	},
	{
		who: loops + "pod-garbage-collector-controller", verb: "get", what: "nodes",
		why: "it asks for a node which the cache has missed for 40 seconds before it gives up the pods on it",
	},
	{
		who: loops + "terminated-pod-garbage-collector-controller", verb: "delete", what: "pods",
		why: "it begins when 12,500 pods have ended",
	},

	{
		who: identity.Storage.User, verb: "get", what: "storageclasses.storage.k8s.io",
		why: "it asks for the class of a claim that was deleted while its volume was being made",
	},
	{
		who: identity.DNS.User, what: "pods",
		why: "it reads pods where a Corefile says so, with pods verified",
	},
	{
		who: identity.DNS.User, what: "endpointslices.discovery.k8s.io",
		why: "it is an endpoint where pods reach it, which they do not here: test/e2e runs it where there are some",
	},
	{
		who: identity.Proxy.User,
		why: "the proxy programs a kernel, so it does not run here: test/e2e runs it",
	},
	{
		who: identity.Scheduler.User, verb: "delete", what: "pods",
		why: "it makes room for a more important pod, which nothing here is: scheduler/ tests it as this user",
	},
	{
		who: identity.Scheduler.User, verb: "get", what: "pods",
		why: "it asks what became of a binding or a deletion whose answer was lost or a conflict",
	},
	{
		who: identity.Scheduler.User, verb: "update", what: "persistentvolumeclaims",
		why: "it chooses volumes and nodes for claims, which no pod that it looks at here has: scheduler/ tests it as this user",
	},
	{
		who: identity.Scheduler.User, verb: "update", what: "persistentvolumes",
		why: "as for claims",
	},
	{
		who: identity.Scheduler.User, only: ofGroup("resource.k8s.io"),
		why: "it allocates devices, which no pod here asks for: scheduler/ tests it",
	},
	{
		who: identity.Scheduler.User, verb: "patch", what: "podgroups.scheduling.k8s.io/status",
		why: "it says how a gang of pods fares, of which there is none here: scheduler/ tests it as this user",
	},
	{
		who: identity.Scheduler.User, only: ofGroup("coordination.k8s.io"),
		why: "it holds a lease where several schedulers stand by for each other, which up and envtest do not have",
	},
	{
		who: identity.SimulatedNodes.User, verb: "patch", what: "nodes",
		why: "it repairs labels of a node that was registered before",
	},
	{
		who: identity.SimulatedNodes.User, only: ofGroup("authentication.k8s.io", "authorization.k8s.io"),
		why: "the nodes' HTTPS server asks who calls it and whether they may, and nobody calls it here: test/e2e does",
	},
}

// of is the reason as it counts for one of those that it is about. Others may have no such right.
func (r reason) of() rbac.Reason {
	return rbac.Reason{Verb: r.verb, On: r.what, Only: r.only, Maybe: true, Why: r.why}
}

// ofGroup reports that the right is one on resources of a group, or one of several.
func ofGroup(groups ...string) func(rbac.Grant, []rbac.Grant) bool {
	return func(g rbac.Grant, _ []rbac.Grant) bool { return slices.Contains(groups, g.Group) }
}
