package v1

import "k8s.io/apimachinery/pkg/runtime/schema"

// GroupVersion is the name which these kinds have as custom resources. Under the Kubernetes
// naming they are served as networking.k8s.io/v1 instead: see package apis.
var GroupVersion = schema.GroupVersion{Group: "networking.orrery.dev", Version: "v1"}
