package legacytokencleaner

import (
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups="",resources=configmaps;pods;serviceaccounts,verbs=list;watch

// Controller decides for Secrets.
type Controller struct{}

var _ loop.Controller[*corev1.Secret, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("legacy-serviceaccount-token-cleaner-controller", Controller{},
		loop.When(predicate.NewPredicateFuncs(holdsToken)),
		loop.Apart(&corev1.Secret{}, cache.ByObject{Field: fields.OneTermEqualSelector("type", string(corev1.SecretTypeServiceAccountToken))}),
	)
}

// holdsToken reports that an object is a Secret for the token of a ServiceAccount.
func holdsToken(obj client.Object) bool {
	secret, ok := obj.(*corev1.Secret)
	return ok && secret.Type == corev1.SecretTypeServiceAccountToken
}
