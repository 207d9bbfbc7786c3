package v1beta1

import "k8s.io/apimachinery/pkg/runtime/schema"

// GroupVersion is the name which these kinds have as custom resources. Under the Kubernetes
// naming they are served as scheduling.k8s.io/v1beta1 instead: see package apis.
var GroupVersion = schema.GroupVersion{Group: "scheduling.orrery.dev", Version: "v1beta1"}
