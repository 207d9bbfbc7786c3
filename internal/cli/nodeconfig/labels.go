package nodeconfig

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	kubeletapis "k8s.io/kubelet/pkg/apis"
)

// checkLabels says which label a node may not give itself: one that cannot be, or one of Kubernetes' own that is no kubelet's.
func checkLabels(labels map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if errs := validation.IsQualifiedName(key); len(errs) > 0 {
			return fmt.Errorf("--node-labels: %q is no key of a label: %s", key, strings.Join(errs, "; "))
		}
		if errs := validation.IsValidLabelValue(labels[key]); len(errs) > 0 {
			return fmt.Errorf("--node-labels: %q is no value of label %s: %s", labels[key], key, strings.Join(errs, "; "))
		}
		prefix, _, _ := strings.Cut(key, "/")
		reserved := slices.ContainsFunc([]string{"kubernetes.io", "k8s.io"}, func(domain string) bool {
			return prefix == domain || strings.HasSuffix(prefix, "."+domain)
		})
		if strings.Contains(key, "/") && reserved && !kubeletapis.IsKubeletLabel(key) {
			return fmt.Errorf("--node-labels: a node may not give itself the label %s: of Kubernetes' own only %s, and those below %s",
				key, strings.Join(kubeletapis.KubeletLabels(), ", "), strings.Join(kubeletapis.KubeletLabelNamespaces(), " and "))
		}
	}
	return nil
}
