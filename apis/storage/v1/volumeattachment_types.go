package v1

import (
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// VolumeAttachment asks a driver to attach a volume to a node, and says whether it has.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=volumeattachments,scope=Cluster,categories=orrery
// +kubebuilder:subresource:status
// +kubebuilder:selectablefield:JSONPath=`.spec.nodeName`
// +kubebuilder:selectablefield:JSONPath=`.spec.attacher`
// +kubebuilder:printcolumn:name="Attacher",type=string,JSONPath=`.spec.attacher`
// +kubebuilder:printcolumn:name="PV",type=string,JSONPath=`.spec.source.persistentVolumeName`
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.spec.nodeName`
// +kubebuilder:printcolumn:name="Attached",type=boolean,JSONPath=`.status.attached`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type VolumeAttachment struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// Spec is what is asked for.
	Spec storagev1.VolumeAttachmentSpec `json:"spec" protobuf:"bytes,2,opt,name=spec"`

	// Status is what has been observed.
	// +optional
	Status storagev1.VolumeAttachmentStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// VolumeAttachmentList is a list of VolumeAttachment objects.
//
// +kubebuilder:object:root=true
type VolumeAttachmentList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []VolumeAttachment `json:"items" protobuf:"bytes,2,rep,name=items"`
}
