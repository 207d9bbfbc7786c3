package clients

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// parsePath takes the path of a request apart: the resource, and what follows it (a name, perhaps a subresource), "" for
// all objects. Paths that are not about a resource, such as those of discovery, are not ok.
func parsePath(path string) (resource schema.GroupVersionResource, rest string, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		resource.Version, parts = parts[1], parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		resource.Group, resource.Version, parts = parts[1], parts[2], parts[3:]
	default:
		return resource, "", false
	}
	// What follows the name of a namespace is its subresource or a resource in it.
	if len(parts) > 2 && parts[0] == "namespaces" && parts[2] != "status" && parts[2] != "finalize" {
		parts = parts[2:]
	}
	resource.Resource = parts[0]
	return resource, strings.Join(parts[1:], "/"), true
}
