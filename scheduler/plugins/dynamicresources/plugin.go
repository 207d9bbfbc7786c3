package dynamicresources

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/structured"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// What is written; package dra says what is read. Allocation and reservation need the right to resourceclaims/binding
// beside that to the status.
//
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims,verbs=get;create;update;delete
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims/status,verbs=update;patch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims/binding,verbs=update;patch

// Name is the plugin's name in configurations.
const Name = "DynamicResources"

// expressionsKept is how many compiled CEL expressions are kept from one pod to the next.
const expressionsKept = 10

// Features returns what devices are allocated with: what kube-scheduler's gates turn on by default.
func Features() structured.Features {
	return structured.Features{
		AdminAccess:            true,
		PrioritizedList:        true,
		PartitionableDevices:   true,
		DeviceTaints:           true,
		DeviceBindingAndStatus: true,
		ConsumableCapacity:     true,
	}
}

// Pods is what depends on the names under which pods are served.
type Pods struct {
	// Kind is what a claim says of a pod that owns or uses it.
	Kind schema.GroupVersionKind
	// ChangeStatus makes a change to the status of a pod, whatever else has changed in the pod since it was read.
	ChangeStatus func(ctx context.Context, pod *corev1.Pod, change func(*corev1.PodStatus)) error
}

// Plugin holds the arguments and what it needs of its Handle.
type Plugin struct {
	// filterTimeout limits the search for devices on one node; 0 means not. bindingTimeout limits how long devices may
	// take to become ready after they were allocated.
	filterTimeout, bindingTimeout time.Duration

	handle      fwk.Handle
	client      clientset.Interface
	known       fwk.SharedDRAManager
	expressions *cel.Cache
	pods        Pods
}

var (
	_ fwk.PreEnqueuePlugin         = &Plugin{}
	_ fwk.PreFilterPlugin          = &Plugin{}
	_ fwk.FilterPlugin             = &Plugin{}
	_ fwk.PostFilterPlugin         = &Plugin{}
	_ fwk.PodGroupPostFilterPlugin = &Plugin{}
	_ fwk.PreScorePlugin           = &Plugin{}
	_ fwk.ScorePlugin              = &Plugin{}
	_ fwk.ScoreExtensions          = &Plugin{}
	_ fwk.ReservePlugin            = &Plugin{}
	_ fwk.PreBindPlugin            = &Plugin{}
	_ fwk.EnqueueExtensions        = &Plugin{}
	_ fwk.SignPlugin               = &Plugin{}
)

// Factory returns a factory of the plugin. Its arguments are DynamicResourcesArgs: without a filterTimeout there is no
// limit, without a bindingTimeout it is ten minutes.
func Factory(pods Pods) framework.Factory {
	return func(_ context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		typed, ok := args.(*configv1.DynamicResourcesArgs)
		if !ok {
			return nil, fmt.Errorf("reading arguments: expected DynamicResourcesArgs, got %T", args)
		}
		p := &Plugin{
			bindingTimeout: configv1.DynamicResourcesBindingTimeoutDefault,
			handle:         handle,
			client:         handle.ClientSet(),
			known:          handle.SharedDRAManager(),
			expressions:    cel.NewCache(expressionsKept, cel.Features{EnableConsumableCapacity: true}),
			pods:           pods,
		}
		if typed.FilterTimeout != nil {
			p.filterTimeout = typed.FilterTimeout.Duration
		}
		if typed.BindingTimeout != nil {
			p.bindingTimeout = typed.BindingTimeout.Duration
		}
		return p, nil
	}
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// SignPod says that no other pod is like one with claims: what the first gets, the second cannot have.
func (p *Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	if len(pod.Spec.ResourceClaims) > 0 {
		return nil, fwk.NewStatus(fwk.Unschedulable, "pods with dra resource claims are not signable")
	}
	if p.extendedAmounts(pod) != nil {
		return nil, fwk.NewStatus(fwk.Unschedulable, "signature disabled when dra extended resources are used in the cluster")
	}
	return nil, nil
}

// refused says that the pod cannot be scheduled, or not on a node, whatever else is evicted.
func refused(reason string) *fwk.Status {
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, reason)
}
