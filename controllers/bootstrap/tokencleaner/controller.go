package tokencleaner

import (
	"github.com/orrery-dev/orrery/controllers/internal/bootstraptoken"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",namespace=kube-system,resources=secrets,verbs=get;list;watch;delete

// Controller decides for Secrets.
type Controller struct{}

var _ loop.Controller[*corev1.Secret, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("token-cleaner-controller", Controller{},
		loop.When(predicate.NewPredicateFuncs(bootstraptoken.Is)),
		loop.Apart(&corev1.Secret{}, bootstraptoken.Cached()),
	)
}
