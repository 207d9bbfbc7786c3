package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PersistentVolumeClaim asks for a PersistentVolume of a size, class and access mode,
// and is bound to the one which fits.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=persistentvolumeclaims,scope=Namespaced,shortName=opvc,categories=orrery
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Volume",type=string,JSONPath=`.spec.volumeName`
// +kubebuilder:printcolumn:name="Capacity",type=string,JSONPath=`.status.capacity.storage`
// +kubebuilder:printcolumn:name="Access Modes",type=string,JSONPath=`.status.accessModes[*]`
// +kubebuilder:printcolumn:name="StorageClass",type=string,JSONPath=`.spec.storageClassName`
// +kubebuilder:printcolumn:name="VolumeAttributesClass",type=string,JSONPath=`.spec.volumeAttributesClassName`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="VolumeMode",type=string,JSONPath=`.spec.volumeMode`,priority=1
type PersistentVolumeClaim struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// Spec is what is asked for.
	Spec corev1.PersistentVolumeClaimSpec `json:"spec" protobuf:"bytes,2,opt,name=spec"`

	// Status is what has been observed.
	// +optional
	Status corev1.PersistentVolumeClaimStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// PersistentVolumeClaimList is a list of PersistentVolumeClaim objects.
//
// +kubebuilder:object:root=true
type PersistentVolumeClaimList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []PersistentVolumeClaim `json:"items" protobuf:"bytes,2,rep,name=items"`
}
