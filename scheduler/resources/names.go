package resources

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// IsScalar reports whether a scheduler counts the resource by name: extended resources, huge pages, attachable volumes
// and everything else under kubernetes.io/.
func IsScalar(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) ||
		strings.HasPrefix(string(name), corev1.ResourceAttachableVolumesPrefix) ||
		isPrefixedNative(name) ||
		IsExtended(name)
}

// IsExtended reports whether the resource belongs to somebody outside Kubernetes, such as example.com/gpu.
func IsExtended(name corev1.ResourceName) bool {
	native := !strings.Contains(string(name), "/") || isPrefixedNative(name)
	if native || strings.HasPrefix(string(name), corev1.DefaultResourceRequestsPrefix) {
		return false
	}
	// Quotas name the resource with a prefix, and that name has to be valid too.
	return len(validation.IsQualifiedName(corev1.DefaultResourceRequestsPrefix+string(name))) == 0
}

func isPrefixedNative(name corev1.ResourceName) bool {
	return strings.Contains(string(name), corev1.ResourceDefaultNamespacePrefix)
}
