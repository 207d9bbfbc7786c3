package scheduler

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/framework/naming"
	"github.com/orrery-dev/orrery/scheduler/apicalls"
	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumebinding"
	"github.com/orrery-dev/orrery/scheduler/preemption"
	"github.com/orrery-dev/orrery/scheduler/queue"
	"github.com/orrery-dev/orrery/scheduler/status"
)

// What the scheduler and its plugins read, and what the scheduler writes; what a plugin writes stands in its room. A custom
// resource has no binding subresource: there it binds by a patch. The lease is for leader election, which is off unless
// the configuration turns it on; a plugin from outside that reads more needs a binding of its own.
//
// +kubebuilder:rbac:groups="",resources=pods;nodes;services;replicationcontrollers;persistentvolumes;persistentvolumeclaims,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets;statefulsets,verbs=get;list;watch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch
// +kubebuilder:rbac:groups=storage.k8s.io,resources=storageclasses;csinodes;csidrivers;csistoragecapacities;volumeattachments,verbs=get;list;watch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims;resourceslices;deviceclasses,verbs=get;list;watch
// +kubebuilder:rbac:groups=scheduling.k8s.io,resources=podgroups;workloads,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods/binding,verbs=create
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch
// +kubebuilder:rbac:groups=core.orrery.dev,resources=pods,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=create
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,resourceNames=kube-scheduler,verbs=get;update

// api reads from the cache and writes to the API server. Plugins are given it before it is connected, and use it after.
type api struct {
	apicalls.Preemption
	cached client.Reader
	live   client.Client
	// counted knows the pods that take a place on a node.
	counted *cache.Cache
	// podKind is what pods are called under the naming that is in use.
	podKind schema.GroupVersionKind
	// binding has as many entries as there are binding requests under way.
	binding  chan struct{}
	statuses *status.Writer
	// nominated knows which pending pods are nominated to which nodes.
	nominated *queue.Queue
}

var (
	_ volumebinding.API = &api{}
	_ preemption.API    = &api{}
)

// bindingsAtOnce is how many binding requests are under way at the same time. The server works on no more than about as
// many of one client; those beyond would wait there, cost it more than they do here, and in the end be turned away.
const bindingsAtOnce = 64

func (a *api) connect(cluster cluster.Cluster) error {
	live, err := client.New(cluster.GetConfig(), client.Options{
		Scheme: cluster.GetScheme(), Mapper: cluster.GetRESTMapper(), HTTPClient: cluster.GetHTTPClient(),
	})
	if err != nil {
		return fmt.Errorf("building the scheduler's client: %w", err)
	}
	if a.podKind, err = live.GroupVersionKindFor(&ocorev1.Pod{}); err != nil {
		return fmt.Errorf("finding the API group of pods: %w", err)
	}
	a.cached, a.live, a.binding = cluster.GetCache(), live, make(chan struct{}, bindingsAtOnce)
	a.Preemption = apicalls.NewPreemption(live)
	a.statuses = status.NewWriter(a.writeStatus)
	return nil
}

// Pod returns a pod as the cache has it, or nil.
func (a *api) Pod(namespace, name string) *corev1.Pod {
	pod := &ocorev1.Pod{}
	key := client.ObjectKey{Namespace: namespace, Name: name}
	if err := a.cached.Get(context.Background(), key, pod, client.UnsafeDisableDeepCopy); err != nil {
		return nil // The cache is synced before anything is scheduled, so that this can only be NotFound.
	}
	return (*corev1.Pod)(pod)
}

// Counted returns a pod as the scheduler counts it on a node, or nil.
func (a *api) Counted(uid types.UID) *corev1.Pod {
	pod, _ := a.counted.Pod(uid)
	return pod
}

// Nominated returns the node that a pending pod is nominated to, as was decided last or else as its status says.
func (a *api) Nominated(pod *corev1.Pod) string {
	if node := a.nominated.NominatedNode(pod.UID); node != "" {
		return node
	}
	return pod.Status.NominatedNodeName
}

// assignedOrGone reports whether a pod can have no nomination any more.
func (a *api) assignedOrGone(pod *corev1.Pod) bool {
	current := a.Pod(pod.Namespace, pod.Name)
	return current == nil || current.Spec.NodeName != ""
}

// Bind assigns a pod to a node. It waits for its turn, and until what was said of the pod before is written.
func (a *api) Bind(ctx context.Context, pod *corev1.Pod, node string) error {
	a.statuses.Settle(pod.UID)
	select {
	case a.binding <- struct{}{}:
		defer func() { <-a.binding }()
	case <-ctx.Done():
		return fmt.Errorf("binding pod %s/%s to node %s: %w", pod.Namespace, pod.Name, node, context.Cause(ctx))
	}
	return naming.Bind(ctx, a.live, (*ocorev1.Pod)(pod), node)
}

// isBinding reports whether a binding request is under way.
func (a *api) isBinding() bool { return len(a.binding) > 0 }

// Report sets a condition and the nominated node in a pod's status, soon: it does not wait for the API server, and what
// goes wrong there is logged. The error is always nil.
func (a *api) Report(_ context.Context, pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) error {
	if nominating.Mode() != fwk.ModeOverride {
		nominating = nil
	}
	if condition != nil || nominating != nil {
		a.statuses.Report(pod, condition, nominating)
	}
	return nil
}

// writeStatus writes what differs from what is there.
func (a *api) writeStatus(ctx context.Context, pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) error {
	if current := a.Pod(pod.Namespace, pod.Name); current != nil && current.UID == pod.UID {
		pod = current
	}
	changed := pod.DeepCopy()
	differs := condition != nil && apicalls.SetCondition(&changed.Status, *condition)
	if nominating != nil && changed.Status.NominatedNodeName != nominating.NominatedNodeName {
		changed.Status.NominatedNodeName = nominating.NominatedNodeName
		differs = true
	}
	if !differs {
		return nil
	}
	return naming.PatchStatus(ctx, a.live, (*ocorev1.Pod)(pod), (*ocorev1.Pod)(changed))
}

// PodKind returns what pods are called.
func (a *api) PodKind() schema.GroupVersionKind { return a.podKind }

// ChangeStatus makes a change to a pod's status, again and to the newest version of the pod if somebody else was faster.
// It waits until what was said of the pod before is written.
func (a *api) ChangeStatus(ctx context.Context, pod *corev1.Pod, change func(*corev1.PodStatus)) error {
	a.statuses.Settle(pod.UID)
	current := (*ocorev1.Pod)(pod)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if current == nil {
			current = &ocorev1.Pod{}
			if err := a.live.Get(ctx, client.ObjectKeyFromObject((*ocorev1.Pod)(pod)), current); err != nil {
				return fmt.Errorf("reading pod %s/%s again: %w", pod.Namespace, pod.Name, err)
			}
			if current.UID != pod.UID {
				return fmt.Errorf("reading pod %s/%s again: it is another pod", pod.Namespace, pod.Name)
			}
		}
		old := current
		changed := old.DeepCopy()
		change(&changed.Status)
		current = nil
		return naming.PatchStatus(ctx, a.live, old, changed)
	})
}

// eventScheme names pods and pod groups in Events as the given scheme does. Plugins hand over upstream's type, which it may not know.
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
