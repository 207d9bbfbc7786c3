package main

import (
	"fmt"

	"github.com/orrery-dev/orrery/apis"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// hasFirstName reports that Kubernetes has the kind of a definition too: then the definition is a second name of it.
func hasFirstName(crd object) bool {
	spec := crd.at("spec")
	kind := schema.GroupKind{Group: fmt.Sprint(spec["group"]), Kind: fmt.Sprint(spec.at("names")["kind"])}
	return apis.Kubernetes.GroupKind(kind) != kind
}

// withoutSchema makes of a definition, in place, one that only says which names there are and how they are shown. That is all
// an API server needs which turns requests by these names into requests by the first ones before it looks at an object: it
// would hold each schema several times in memory and never ask it.
func withoutSchema(crd object) {
	for _, version := range list(crd.at("spec")["versions"]) {
		delete(version, "selectableFields") // they are fields of the schema
		version["schema"] = map[string]any{"openAPIV3Schema": map[string]any{
			"type":                                 "object",
			"x-kubernetes-preserve-unknown-fields": true,
		}}
	}
}
