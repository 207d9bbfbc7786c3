package namespace

import (
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
)

// Options are what the loop needs to know of the cluster.
type Options struct {
	// Kinds finds the kinds that the cluster has.
	Kinds kinds.Source
	// DeletionGracePeriod is how long the finalizer stays at least, after the deletion began, for other API servers to hear
	// of it; 0 means 5 s. Where there is one API server, a second is plenty.
	DeletionGracePeriod time.Duration
}

func (o Options) withDefaults() Options {
	if o.DeletionGracePeriod == 0 {
		o.DeletionGracePeriod = 5 * time.Second
	}
	return o
}

// A namespace can hold objects of any kind, so no list of kinds would do. RBAC cannot say "in a namespace that is being
// deleted"; the loop never looks into another.
//
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=namespaces/finalize,verbs=update
// +kubebuilder:rbac:groups=*,resources=*,verbs=list;delete;deletecollection

// Controller decides for Namespaces.
type Controller struct{ Options }

var _ loop.Controller[*corev1.Namespace, world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.New("namespace-controller", Controller{options.withDefaults()})
}
