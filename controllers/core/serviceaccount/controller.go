package serviceaccount

import (
	"context"

	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// name is the ServiceAccount that every Namespace has.
const name = "default"

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=serviceaccounts,verbs=get;list;watch;create

// Controller decides for Namespaces.
type Controller struct{}

var _ loop.Controller[*corev1.Namespace, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("serviceaccount-controller", Controller{}, loop.Watches(namespaceOf))
}

// namespaceOf names the Namespace that a ServiceAccount is the default one of.
func namespaceOf(_ context.Context, _ client.Reader, account *corev1.ServiceAccount) ([]client.ObjectKey, error) {
	if account.Name != name {
		return nil, nil
	}
	return []client.ObjectKey{{Name: account.Namespace}}, nil
}
