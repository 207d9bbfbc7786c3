package nodelifecycle

import (
	"context"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/framework/loop"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options are the times that nodes are given. The zero value has upstream's.
type Options struct {
	// GracePeriod is how long a node may be silent; 0 means 50 s.
	GracePeriod time.Duration
	// StartupGracePeriod is how long a node may take to post its first status; 0 means 60 s.
	StartupGracePeriod time.Duration
}

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=nodes/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get;list;watch

// Loop watches over nodes.
func Loop(options Options) loop.Loop {
	if options.GracePeriod == 0 {
		options.GracePeriod = 50 * time.Second
	}
	if options.StartupGracePeriod == 0 {
		options.StartupGracePeriod = 60 * time.Second
	}
	return loop.New[*ocorev1.Node, world]("nodelifecycle", &controller{options},
		onnode.Indexed(),
		loop.Watches(func(_ context.Context, _ client.Reader, lease *coordinationv1.Lease) ([]client.ObjectKey, error) {
			if lease.Namespace != corev1.NamespaceNodeLease {
				return nil, nil
			}
			return []client.ObjectKey{{Name: lease.Name}}, nil
		}),
	)
}

type controller struct{ Options }
