package v1

import (
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CSIDriver tells the cluster what a CSI driver needs and can do. Its name is the driver's name.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=csidrivers,scope=Cluster,categories=orrery
// +kubebuilder:printcolumn:name="AttachRequired",type=boolean,JSONPath=`.spec.attachRequired`
// +kubebuilder:printcolumn:name="PodInfoOnMount",type=boolean,JSONPath=`.spec.podInfoOnMount`
// +kubebuilder:printcolumn:name="StorageCapacity",type=boolean,JSONPath=`.spec.storageCapacity`
// +kubebuilder:printcolumn:name="TokenRequests",type=string,JSONPath=`.spec.tokenRequests[*].audience`
// +kubebuilder:printcolumn:name="RequiresRepublish",type=boolean,JSONPath=`.spec.requiresRepublish`
// +kubebuilder:printcolumn:name="Modes",type=string,JSONPath=`.spec.volumeLifecycleModes[*]`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type CSIDriver struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// Spec is what is asked for.
	Spec storagev1.CSIDriverSpec `json:"spec" protobuf:"bytes,2,opt,name=spec"`
}

// CSIDriverList is a list of CSIDriver objects.
//
// +kubebuilder:object:root=true
type CSIDriverList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []CSIDriver `json:"items" protobuf:"bytes,2,rep,name=items"`
}
