package v2

import "k8s.io/apimachinery/pkg/runtime/schema"

// GroupVersion is the name which these kinds have as custom resources. Under the Kubernetes
// naming they are served as autoscaling/v2 instead: see package apis.
var GroupVersion = schema.GroupVersion{Group: "autoscaling.orrery.dev", Version: "v2"}
