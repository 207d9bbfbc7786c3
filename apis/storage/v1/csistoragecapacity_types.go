package v1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CSIStorageCapacity says how much a driver can still provision of one class in one part of the cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=csistoragecapacities,scope=Namespaced,categories=orrery
// +kubebuilder:printcolumn:name="StorageClassName",type=string,JSONPath=`.storageClassName`
// +kubebuilder:printcolumn:name="Capacity",type=string,JSONPath=`.capacity`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type CSIStorageCapacity struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// NodeTopology selects the nodes which reach this capacity; nil means no node, empty means all.
	// +optional
	NodeTopology *metav1.LabelSelector `json:"nodeTopology,omitempty" protobuf:"bytes,2,opt,name=nodeTopology"`

	// StorageClassName names the class. It never changes.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="field is immutable"
	StorageClassName string `json:"storageClassName" protobuf:"bytes,3,name=storageClassName"`

	// Capacity is what is still free, in bytes; nil means that it is not known.
	// +optional
	Capacity *resource.Quantity `json:"capacity,omitempty" protobuf:"bytes,4,opt,name=capacity"`

	// MaximumVolumeSize is the largest volume which can be provisioned, in bytes; nil means
	// that it is not known.
	// +optional
	MaximumVolumeSize *resource.Quantity `json:"maximumVolumeSize,omitempty" protobuf:"bytes,5,opt,name=maximumVolumeSize"`
}

// CSIStorageCapacityList is a list of CSIStorageCapacity objects.
//
// +kubebuilder:object:root=true
type CSIStorageCapacityList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []CSIStorageCapacity `json:"items" protobuf:"bytes,2,rep,name=items"`
}
