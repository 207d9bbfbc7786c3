// Package markers has some.
package markers

// +kubebuilder:rbac:groups=example.org,resources=sites;sites/status,verbs=get;patch
// +kubebuilder:rbac:groups=core,resources=configmaps,verbs=create
//+kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,resourceNames=manager,verbs=update,namespace=sites-system
// +kubebuilder:rbac:urls=/metrics,verbs=get

// A text that speaks of +kubebuilder:rbac:verbs=get is no marker.
var _ = "// +kubebuilder:rbac:groups=example.org,resources=stars,verbs=get"
