package apis

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Naming says under which API groups the kinds are served. The zero value is not a naming.
type Naming string

const (
	// Kubernetes is the naming of a cluster whose API server is ours: apps/v1, batch/v1, v1.
	Kubernetes Naming = "kubernetes"
	// Orrery is the naming of custom resources on any cluster: apps.orrery.dev/v1.
	Orrery Naming = "orrery"
)

// Namings returns both namings, for tests and flags which range over them.
func Namings() []Naming { return []Naming{Kubernetes, Orrery} }

// ParseNaming returns the naming called name, or an error that says which there are.
func ParseNaming(name string) (Naming, error) {
	for _, n := range Namings() {
		if string(n) == name {
			return n, nil
		}
	}
	return "", fmt.Errorf("unknown naming %q: use %q or %q", name, Kubernetes, Orrery)
}

// String returns the name that [ParseNaming] accepts.
func (n Naming) String() string { return string(n) }

// groups pairs the two names of each group that has two.
var groups = []struct{ kubernetes, orrery string }{
	{"", "core.orrery.dev"},
	{"apps", "apps.orrery.dev"},
	{"autoscaling", "autoscaling.orrery.dev"},
	{"batch", "batch.orrery.dev"},
	{"discovery.k8s.io", "discovery.orrery.dev"},
	{"networking.k8s.io", "networking.orrery.dev"},
	{"policy", "policy.orrery.dev"},
	{"scheduling.k8s.io", "scheduling.orrery.dev"},
	{"storage.k8s.io", "storage.orrery.dev"},
}

// Group returns the name that n gives to a group, which may be spelled in either naming. A
// group that has one name only is returned as it is.
//
// A group is not enough to name a kind: the core group also holds kinds with one name, such
// as Secret. Use [Naming.GroupKind] for those.
func (n Naming) Group(group string) string {
	for _, g := range groups {
		if group == g.kubernetes || group == g.orrery {
			if n == Orrery {
				return g.orrery
			}
			return g.kubernetes
		}
	}
	return group
}

// GroupKind returns the name that n gives to a kind, which may be spelled in either naming.
// A kind that has one name only is returned as it is.
func (n Naming) GroupKind(gk schema.GroupKind) schema.GroupKind {
	if hasTwoNames(gk) {
		gk.Group = n.Group(gk.Group)
	}
	return gk
}

// GroupVersionKind is [Naming.GroupKind] for a kind with a version. Versions are the same
// under both namings.
func (n Naming) GroupVersionKind(gvk schema.GroupVersionKind) schema.GroupVersionKind {
	gvk.Group = n.GroupKind(gvk.GroupKind()).Group
	return gvk
}

// GroupResource is [Naming.GroupKind] for a plural resource name such as "deployments".
func (n Naming) GroupResource(gr schema.GroupResource) schema.GroupResource {
	for _, k := range kinds {
		if k.Resource == gr.Resource && Kubernetes.Group(k.gv.Group) == Kubernetes.Group(gr.Group) {
			gr.Group = n.Group(gr.Group)
			break
		}
	}
	return gr
}

func hasTwoNames(gk schema.GroupKind) bool {
	for _, k := range kinds {
		if k.Kind == gk.Kind && Kubernetes.Group(k.gv.Group) == Kubernetes.Group(gk.Group) {
			return true
		}
	}
	return false
}
