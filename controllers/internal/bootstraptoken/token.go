package bootstraptoken

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Is reports that an object is such a Secret.
func Is(obj client.Object) bool {
	secret, ok := obj.(*corev1.Secret)
	return ok && secret.Namespace == metav1.NamespaceSystem && secret.Type == bootstrapapi.SecretTypeBootstrapToken
}

// Cached says that a cache holds these Secrets, and no others.
func Cached() cache.ByObject {
	return cache.ByObject{Namespaces: map[string]cache.Config{
		metav1.NamespaceSystem: {FieldSelector: fields.OneTermEqualSelector("type", string(bootstrapapi.SecretTypeBootstrapToken))},
	}}
}
