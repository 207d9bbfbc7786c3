package v1

import "k8s.io/apimachinery/pkg/runtime/schema"

// GroupVersion is the name which these kinds have as custom resources. Under the Kubernetes
// naming they are served as discovery.k8s.io/v1 instead: see package apis.
var GroupVersion = schema.GroupVersion{Group: "discovery.orrery.dev", Version: "v1"}
