package signer

import (
	"context"

	"github.com/orrery-dev/orrery/controllers/internal/bootstraptoken"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=configmaps,verbs=list;watch
// +kubebuilder:rbac:groups="",namespace=kube-public,resources=configmaps,resourceNames=cluster-info,verbs=get;patch
// +kubebuilder:rbac:groups="",namespace=kube-system,resources=secrets,verbs=list;watch

// Controller decides for ConfigMaps.
type Controller struct{}

var _ loop.Controller[*corev1.ConfigMap, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("bootstrap-signer-controller", Controller{},
		loop.When(predicate.NewPredicateFuncs(isClusterInfo)),
		loop.Apart(&corev1.Secret{}, bootstraptoken.Cached()),
		loop.Watches(signed, predicate.NewPredicateFuncs(bootstraptoken.Is)),
	)
}

// clusterInfo is what is signed.
var clusterInfo = client.ObjectKey{Namespace: metav1.NamespacePublic, Name: bootstrapapi.ConfigMapClusterInfo}

func isClusterInfo(obj client.Object) bool { return client.ObjectKeyFromObject(obj) == clusterInfo }

// signed names what a token signs.
func signed(context.Context, client.Reader, *corev1.Secret) ([]client.ObjectKey, error) {
	return []client.ObjectKey{clusterInfo}, nil
}
