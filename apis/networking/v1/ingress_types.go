package v1

import (
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Ingress routes HTTP from outside the cluster to Services, by host and path.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=ingresses,scope=Namespaced,shortName=oing,categories=orrery
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Class",type=string,JSONPath=`.spec.ingressClassName`
// +kubebuilder:printcolumn:name="Hosts",type=string,JSONPath=`.spec.rules[*].host`
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.status.loadBalancer.ingress[*].ip`
// +kubebuilder:printcolumn:name="Ports",type=string,JSONPath=`.status.loadBalancer.ingress[*].ports[*].port`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Ingress struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// Spec is what is asked for.
	// +optional
	Spec networkingv1.IngressSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`

	// Status is what has been observed.
	// +optional
	Status networkingv1.IngressStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// IngressList is a list of Ingress objects.
//
// +kubebuilder:object:root=true
type IngressList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []Ingress `json:"items" protobuf:"bytes,2,rep,name=items"`
}
