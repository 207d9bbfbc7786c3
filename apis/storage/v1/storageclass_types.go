package v1

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// StorageClass names a driver and its parameters, by which volumes are provisioned on demand.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=storageclasses,scope=Cluster,shortName=osc,categories=orrery
// +kubebuilder:printcolumn:name="Provisioner",type=string,JSONPath=`.provisioner`
// +kubebuilder:printcolumn:name="ReclaimPolicy",type=string,JSONPath=`.reclaimPolicy`
// +kubebuilder:printcolumn:name="VolumeBindingMode",type=string,JSONPath=`.volumeBindingMode`
// +kubebuilder:printcolumn:name="AllowVolumeExpansion",type=boolean,JSONPath=`.allowVolumeExpansion`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type StorageClass struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// Provisioner is the driver's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="field is immutable"
	Provisioner string `json:"provisioner" protobuf:"bytes,2,opt,name=provisioner"`

	// Parameters go to the driver as they are. They never change.
	// +optional
	Parameters map[string]string `json:"parameters,omitempty" protobuf:"bytes,3,rep,name=parameters"`

	// ReclaimPolicy is given to the volumes; nil means Delete.
	// +optional
	// +default="Delete"
	// +kubebuilder:validation:Enum=Delete;Retain
	ReclaimPolicy *corev1.PersistentVolumeReclaimPolicy `json:"reclaimPolicy,omitempty" protobuf:"bytes,4,opt,name=reclaimPolicy"`

	// MountOptions are given to the volumes, unchecked: a wrong one fails the mount.
	// +optional
	// +listType=atomic
	MountOptions []string `json:"mountOptions,omitempty" protobuf:"bytes,5,opt,name=mountOptions"`

	// AllowVolumeExpansion says whether volumes may grow; nil means no.
	// +optional
	AllowVolumeExpansion *bool `json:"allowVolumeExpansion,omitempty" protobuf:"varint,6,opt,name=allowVolumeExpansion"`

	// VolumeBindingMode says when a claim is bound: Immediate, which nil means, or
	// WaitForFirstConsumer, when a pod which uses it has been given a node.
	// +optional
	// +default="Immediate"
	// +kubebuilder:validation:Enum=Immediate;WaitForFirstConsumer
	VolumeBindingMode *storagev1.VolumeBindingMode `json:"volumeBindingMode,omitempty" protobuf:"bytes,7,opt,name=volumeBindingMode"`

	// AllowedTopologies restricts where volumes may be provisioned; empty means anywhere.
	// +optional
	// +listType=atomic
	AllowedTopologies []corev1.TopologySelectorTerm `json:"allowedTopologies,omitempty" protobuf:"bytes,8,rep,name=allowedTopologies"`
}

// StorageClassList is a list of StorageClass objects.
//
// +kubebuilder:object:root=true
type StorageClassList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []StorageClass `json:"items" protobuf:"bytes,2,rep,name=items"`
}
