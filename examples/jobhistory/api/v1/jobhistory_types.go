package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// JobHistory keeps the newest finished Jobs of those that it selects, and deletes the others.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=jobhistories,scope=Namespaced,categories=orrery
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Keep",type=integer,JSONPath=`.spec.keep`
// +kubebuilder:printcolumn:name="Kept",type=integer,JSONPath=`.status.kept`
type JobHistory struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is asked for.
	Spec JobHistorySpec `json:"spec"`

	// Status is what has been observed.
	// +optional
	Status JobHistoryStatus `json:"status,omitempty"`
}

// JobHistorySpec says which Jobs are kept.
type JobHistorySpec struct {
	// Selector says which Jobs of the namespace are looked after; one that is empty means all.
	Selector metav1.LabelSelector `json:"selector"`

	// Keep is how many finished Jobs are kept; 0 means none.
	//
	// +kubebuilder:validation:Minimum=0
	Keep int32 `json:"keep"`
}

// JobHistoryStatus says which Jobs are left.
type JobHistoryStatus struct {
	// Kept is how many finished Jobs there are, without those that are about to go.
	Kept int32 `json:"kept"`
}

// JobHistoryList is a list of JobHistories.
//
// +kubebuilder:object:root=true
type JobHistoryList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []JobHistory `json:"items"`
}
