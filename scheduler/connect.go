package scheduler

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/framework/naming"
	"github.com/orrery-dev/orrery/scheduler/apicalls"
	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/clients"
	"github.com/orrery-dev/orrery/scheduler/dra"
	"github.com/orrery-dev/orrery/scheduler/preemption"
	"github.com/orrery-dev/orrery/scheduler/queue"
)

// What the scheduler and its plugins read, and what the scheduler writes; what a plugin writes stands in its room. A custom
// resource has no binding subresource: there it binds by a patch. The lease is for leader election, which is off unless
// the configuration turns it on; a plugin from outside that reads more needs a binding of its own.
//
// +kubebuilder:rbac:groups="",resources=pods;nodes;services;replicationcontrollers;persistentvolumes;persistentvolumeclaims,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets;statefulsets,verbs=list;watch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=list;watch
// +kubebuilder:rbac:groups=storage.k8s.io,resources=storageclasses;csinodes;csidrivers;csistoragecapacities;volumeattachments,verbs=list;watch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims;resourceslices;deviceclasses,verbs=list;watch
// +kubebuilder:rbac:groups=scheduling.k8s.io,resources=podgroups,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get
// +kubebuilder:rbac:groups="",resources=pods/binding,verbs=create
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch
// +kubebuilder:rbac:groups=core.orrery.dev,resources=pods,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=create
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,resourceNames=kube-scheduler,verbs=get;update

// connect builds the ways to the API server: the scheduler's own, the plugins', and the one to devices. It sends nothing.
func (s *Scheduler) connect() error {
	if err := s.buildCalls(); err != nil {
		return err
	}
	names, err := s.naming()
	if err != nil {
		return err
	}
	s.clients, err = clients.New(s.options.Cluster.GetConfig(), s.options.Cluster.GetHTTPClient(), names, s.options.Clock)
	if err != nil {
		return err
	}
	s.dra, err = dra.New(s.pluginsCtx, s.clients.Informers)
	return err
}

// buildCalls builds the scheduler's own requests, which are made without a cache between.
func (s *Scheduler) buildCalls() error {
	cluster := s.options.Cluster
	live, err := client.New(cluster.GetConfig(), client.Options{
		Scheme: cluster.GetScheme(), Mapper: cluster.GetRESTMapper(), HTTPClient: cluster.GetHTTPClient(),
	})
	if err != nil {
		return fmt.Errorf("building the scheduler's client: %w", err)
	}
	if s.podKind, err = live.GroupVersionKindFor(&ocorev1.Pod{}); err != nil {
		return fmt.Errorf("finding the API group of pods: %w", err)
	}
	s.cached = apicalls.NewCached(cluster.GetCache())
	s.statuses = apicalls.NewPodStatuses(s.cached, live)
	s.bindQueue = apicalls.NewBindQueue(cluster.GetConfig().QPS)
	s.binder = apicalls.NewBinder(live, s.statuses, s.bindQueue, s.options.Clock)
	s.podGroups = apicalls.NewPodGroups(cluster.GetCache(), live)
	s.volumes = apicalls.NewVolumes(s.cached, live)
	s.victims = apicalls.NewVictims(live)
	return nil
}

// naming returns what the cluster's scheme calls our kinds.
func (s *Scheduler) naming() (apis.Naming, error) {
	builtIn, err := naming.BuiltIn(s.options.Cluster.GetScheme(), &ocorev1.Pod{})
	if builtIn {
		return apis.Kubernetes, err
	}
	return apis.Orrery, err
}

// cycleAPI is what package cycle needs of the API server.
type cycleAPI struct {
	apicalls.Cached
	*apicalls.PodStatuses
}

// preemptionAPI is what package preemption needs of the API server, and of what the scheduler knows before it.
type preemptionAPI struct {
	cycleAPI
	apicalls.Victims
	cache     *cache.Cache
	nominator *queue.Nominator
}

var _ preemption.API = preemptionAPI{}

func (s *Scheduler) preemptionAPI() preemptionAPI {
	return preemptionAPI{
		cycleAPI: cycleAPI{s.cached, s.statuses}, Victims: s.victims, cache: s.cache, nominator: s.nominator,
	}
}

// Counted returns a pod as the scheduler counts it on a node, or nil.
func (p preemptionAPI) Counted(uid types.UID) *corev1.Pod {
	pod, _ := p.cache.Pod(uid)
	return pod
}

// Nominated returns the node that a pending pod is nominated to, as was decided last or else as its status says.
func (p preemptionAPI) Nominated(pod *corev1.Pod) string {
	if node := p.nominator.NominatedNode(pod.UID); node != "" {
		return node
	}
	return pod.Status.NominatedNodeName
}

// eventScheme names pods and pod groups in Events as the given scheme does. Plugins hand over upstream's type, which it may
// not know.
func eventScheme(scheme *runtime.Scheme) (*runtime.Scheme, error) {
	kind, err := apiutil.GVKForObject(&ocorev1.Pod{}, scheme)
	if err != nil {
		return nil, fmt.Errorf("finding the API group of pods: %w", err)
	}
	groups, err := apiutil.GVKForObject(&oschedulingv1beta1.PodGroup{}, scheme)
	if err != nil {
		return nil, fmt.Errorf("finding the API group of pod groups: %w", err)
	}
	result := runtime.NewScheme()
	result.AddKnownTypeWithName(kind, &corev1.Pod{})
	result.AddKnownTypeWithName(groups, &schedulingv1beta1.PodGroup{})
	return result, nil
}
