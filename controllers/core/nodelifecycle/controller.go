package nodelifecycle

import (
	"context"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Options are the times that nodes are given, as kube-controller-manager's flags have them. The zero value has upstream's.
type Options struct {
	// MonitorGracePeriod is how long a node may be silent; 0 means 50 s.
	MonitorGracePeriod time.Duration
	// StartupGracePeriod is how long a node may take to post its first status; 0 means 60 s.
	StartupGracePeriod time.Duration
}

func (o Options) withDefaults() Options {
	if o.MonitorGracePeriod == 0 {
		o.MonitorGracePeriod = 50 * time.Second
	}
	if o.StartupGracePeriod == 0 {
		o.StartupGracePeriod = 60 * time.Second
	}
	return o
}

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=nodes/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get;list;watch

// Controller decides for Nodes.
type Controller struct{ Options }

var _ loop.Controller[*ocorev1.Node, world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.New("node-lifecycle-controller", Controller{options.withDefaults()},
		loop.RecordsAs("node-controller"),
		onnode.Indexed(),
		loop.Watches(nodeOfLease),
		loop.Watches(nodeOfPod, becameReady),
	)
}

// nodeOfLease names the node whose heartbeat a Lease is.
func nodeOfLease(_ context.Context, _ client.Reader, lease *coordinationv1.Lease) ([]client.ObjectKey, error) {
	if lease.Namespace != corev1.NamespaceNodeLease {
		return nil, nil
	}
	return []client.ObjectKey{{Name: lease.Name}}, nil
}

// nodeOfPod names the node that a pod is bound to.
func nodeOfPod(_ context.Context, _ client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	if pod.Spec.NodeName == "" {
		return nil, nil
	}
	return []client.ObjectKey{{Name: pod.Spec.NodeName}}, nil
}

// becameReady lets pass that a pod is ready which was not, or was not there: its node may not be.
var becameReady = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return replicas.Ready(e.Object.(*ocorev1.Pod)) },
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Pod), e.ObjectNew.(*ocorev1.Pod)
		return replicas.Ready(is) && (!replicas.Ready(was) || was.Spec.NodeName != is.Spec.NodeName)
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}
