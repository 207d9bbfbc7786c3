package v1beta1

import (
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Workload describes the PodGroups which one application is made of.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=workloads,scope=Namespaced,categories=orrery
// +kubebuilder:printcolumn:name="Controller",type=string,JSONPath=`.spec.controllerRef.name`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Workload struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// Spec is what is asked for.
	Spec schedulingv1beta1.WorkloadSpec `json:"spec" protobuf:"bytes,2,opt,name=spec"`
}

// WorkloadList is a list of Workload objects.
//
// +kubebuilder:object:root=true
type WorkloadList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []Workload `json:"items" protobuf:"bytes,2,rep,name=items"`
}
