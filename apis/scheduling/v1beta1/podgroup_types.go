package v1beta1

import (
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PodGroup is a set of pods which are scheduled by one policy, for instance all or none.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=podgroups,scope=Namespaced,categories=orrery
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="PodGroupInitiallyScheduled")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type PodGroup struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// Spec is what is asked for.
	Spec schedulingv1beta1.PodGroupSpec `json:"spec" protobuf:"bytes,2,opt,name=spec"`

	// Status is what has been observed.
	// +optional
	Status schedulingv1beta1.PodGroupStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// PodGroupList is a list of PodGroup objects.
//
// +kubebuilder:object:root=true
type PodGroupList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []PodGroup `json:"items" protobuf:"bytes,2,rep,name=items"`
}
