package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Endpoints lists the addresses behind a Service, in the form which EndpointSlice replaces.
// It is kept for clients which still read it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=endpoints,scope=Namespaced,shortName=oep,categories=orrery
// +kubebuilder:printcolumn:name="Endpoints",type=string,JSONPath=`.subsets[*].addresses[*].ip`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Endpoints struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// Subsets are the addresses and the ports which they have in common; the whole list
	// is the cartesian product within each subset, united over all subsets.
	// +optional
	// +listType=atomic
	Subsets []corev1.EndpointSubset `json:"subsets,omitempty" protobuf:"bytes,2,rep,name=subsets"`
}

// EndpointsList is a list of Endpoints.
//
// +kubebuilder:object:root=true
type EndpointsList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []Endpoints `json:"items" protobuf:"bytes,2,rep,name=items"`
}
