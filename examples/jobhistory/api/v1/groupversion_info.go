package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is what these kinds are served as.
var GroupVersion = schema.GroupVersion{Group: "housekeeping.orrery.dev", Version: "v1"}

// AddToScheme makes the kinds known to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &JobHistory{}, &JobHistoryList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
