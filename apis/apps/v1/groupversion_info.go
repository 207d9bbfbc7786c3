package v1

import "k8s.io/apimachinery/pkg/runtime/schema"

// GroupVersion is the name which these kinds have as custom resources. Under the Kubernetes
// naming they are served as apps/v1 instead: see package apis.
var GroupVersion = schema.GroupVersion{Group: "apps.orrery.dev", Version: "v1"}
