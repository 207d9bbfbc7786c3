package naming

import (
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/apis"
)

// target is what a request by a second name is for.
type target struct {
	// kind is what kind of object.
	kind apis.Kind
	// subresource is a word such as "status"; empty for the objects themselves.
	subresource string
	// path is the same thing by its first name.
	path string
}

// targetOf reads a path of the API. ok is false if it is not for objects with two names, by the second.
//
//	/apis/apps.orrery.dev/v1/[watch/][namespaces/NAMESPACE/]deployments[/NAME[/SUBRESOURCE...]]
func targetOf(path string) (t target, ok bool) {
	rest, found := strings.CutPrefix(path, "/apis/")
	if !found {
		return target{}, false
	}
	if group, _, _ := strings.Cut(rest, "/"); !isSecond(group) {
		return target{}, false // which costs a request by a first name nothing
	}
	parts := strings.Split(rest, "/")
	if len(parts) < 3 {
		return target{}, false
	}
	words := parts[2:]
	if words[0] == "watch" {
		words = words[1:]
	}
	if len(words) > 2 && words[0] == "namespaces" {
		words = words[2:]
	}
	if len(words) == 0 {
		return target{}, false
	}
	if t.kind, ok = secondNamed(parts[0], parts[1], words[0]); !ok {
		return target{}, false
	}
	if len(words) > 2 {
		t.subresource = words[2]
	}
	t.path = prefix(t.kind) + "/" + strings.Join(parts[2:], "/")
	return t, true
}

// prefix is where the API has the objects of a kind by its first name.
func prefix(kind apis.Kind) string {
	gv := kind.GroupVersionKind(apis.Kubernetes).GroupVersion()
	if gv.Group == "" {
		return "/api/" + gv.Version
	}
	return "/apis/" + gv.Group + "/" + gv.Version
}

// isSecond reports that an API group is a second name.
func isSecond(group string) bool {
	_, ok := firstGroups[group]
	return ok
}

// secondNamed is the kind of a resource by its second name.
func secondNamed(group, version, resource string) (apis.Kind, bool) {
	all := apis.Kinds()
	i := slices.IndexFunc(all, func(k apis.Kind) bool {
		gvr := k.GroupVersionResource(apis.Orrery)
		return gvr.Resource == resource && gvr.Group == group && gvr.Version == version
	})
	if i < 0 {
		return apis.Kind{}, false
	}
	return all[i], true
}

// streams reports that what goes over the wire is nobody's object.
func (t target) streams() bool {
	return slices.Contains([]string{"log", "exec", "attach", "portforward", "proxy"}, t.subresource)
}
