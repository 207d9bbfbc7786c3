package rootcacertpublisher

import (
	"context"

	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;patch

// Controller decides for Namespaces.
type Controller struct {
	// rootCA are the certificates that are published, in PEM.
	rootCA string
}

var _ loop.Controller[*corev1.Namespace, world] = Controller{}

// Loop is the controller with its watches. It publishes certificates, in PEM; where there are none, nothing.
func Loop(rootCA []byte) loop.Loop {
	return loop.New("root-ca-certificate-publisher-controller", Controller{rootCA: string(rootCA)}, loop.Watches(namespaceOf))
}

// namespaceOf names the Namespace that certificates are published in.
func namespaceOf(_ context.Context, _ client.Reader, published *corev1.ConfigMap) ([]client.ObjectKey, error) {
	if published.Name != configMapName {
		return nil, nil
	}
	return []client.ObjectKey{{Name: published.Namespace}}, nil
}
