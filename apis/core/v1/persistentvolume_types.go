package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PersistentVolume is a piece of storage in the cluster, provisioned by a person or a driver,
// whose life does not depend on any pod.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=persistentvolumes,scope=Cluster,shortName=opv,categories=orrery
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Capacity",type=string,JSONPath=`.spec.capacity.storage`
// +kubebuilder:printcolumn:name="Access Modes",type=string,JSONPath=`.spec.accessModes[*]`
// +kubebuilder:printcolumn:name="Reclaim Policy",type=string,JSONPath=`.spec.persistentVolumeReclaimPolicy`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Claim",type=string,JSONPath=`.spec.claimRef.name`
// +kubebuilder:printcolumn:name="StorageClass",type=string,JSONPath=`.spec.storageClassName`
// +kubebuilder:printcolumn:name="VolumeAttributesClass",type=string,JSONPath=`.spec.volumeAttributesClassName`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="VolumeMode",type=string,JSONPath=`.spec.volumeMode`,priority=1
type PersistentVolume struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// Spec is what is asked for.
	Spec corev1.PersistentVolumeSpec `json:"spec" protobuf:"bytes,2,opt,name=spec"`

	// Status is what has been observed.
	// +optional
	Status corev1.PersistentVolumeStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// PersistentVolumeList is a list of PersistentVolume objects.
//
// +kubebuilder:object:root=true
type PersistentVolumeList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []PersistentVolume `json:"items" protobuf:"bytes,2,rep,name=items"`
}
