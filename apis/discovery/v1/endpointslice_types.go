package v1

import (
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EndpointSlice lists some of the endpoints behind a Service; the slices of a Service together list all.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=endpointslices,scope=Namespaced,categories=orrery
// +kubebuilder:printcolumn:name="AddressType",type=string,JSONPath=`.addressType`
// +kubebuilder:printcolumn:name="Ports",type=string,JSONPath=`.ports[*].port`
// +kubebuilder:printcolumn:name="Endpoints",type=string,JSONPath=`.endpoints[*].addresses[*]`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type EndpointSlice struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// AddressType is the kind of all addresses here: IPv4, IPv6 or FQDN. It never changes.
	// +kubebuilder:validation:Enum=IPv4;IPv6;FQDN
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="field is immutable"
	AddressType discoveryv1.AddressType `json:"addressType" protobuf:"bytes,4,rep,name=addressType"`

	// Endpoints are the endpoints, in no order.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +nullable
	Endpoints []discoveryv1.Endpoint `json:"endpoints" protobuf:"bytes,2,rep,name=endpoints"`

	// Ports are the ports which every endpoint here has. A port without a number means all ports.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	// +nullable
	Ports []discoveryv1.EndpointPort `json:"ports" protobuf:"bytes,3,rep,name=ports"`
}

// EndpointSliceList is a list of EndpointSlice objects.
//
// +kubebuilder:object:root=true
type EndpointSliceList struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Items []EndpointSlice `json:"items" protobuf:"bytes,2,rep,name=items"`
}
