package imports

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Module is the path of the module that the rules are about.
const Module = "github.com/orrery-dev/orrery"

// Package is what the rules look at: a package of the module.
type Package struct {
	// Path is the import path.
	Path string
	// Imports are the packages that its files import, without tests.
	Imports []Import
	// Reaches are all packages that it imports, directly or not.
	Reaches []string
}

// Import is one edge's far end.
type Import struct {
	Path string
	// Standard says whether it belongs to Go's standard library.
	Standard bool
}

// Check returns one sentence for each violation, sorted.
func Check(packages []Package) []string {
	var found []string
	for _, p := range packages {
		room := within(p.Path)
		for _, rule := range rules {
			if !rule.applies(room) {
				continue
			}
			for _, to := range p.Imports {
				if to.Standard || rule.allows(room, to.Path) {
					continue
				}
				found = append(found, fmt.Sprintf("%s imports %s: %s", p.Path, to.Path, rule.name))
			}
		}
		if !mayReachKubernetes(room) && slices.ContainsFunc(p.Reaches, isKubernetes) {
			found = append(found, p.Path+" reaches k8s.io/kubernetes: only apiserver, webhooks and what is wired to them may")
		}
		if slices.Contains(vague, path.Base(p.Path)) {
			found = append(found, fmt.Sprintf("%s is called %s: name it after what it holds", p.Path, path.Base(p.Path)))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// vague are names which say nothing about what is in a package.
var vague = []string{"util", "utils", "common", "helper", "helpers", "types", "misc"}

// rule restricts what the rooms it applies to may import. A room is a package's path within
// the module; the module's root is ".".
type rule struct {
	name    string
	applies func(room string) bool
	allows  func(room, to string) bool
}

var rules = []rule{
	{
		name:    "framework/engine and its queue know no kind and no client: of Kubernetes they may import a clock",
		applies: in("framework/engine", "framework/queue"),
		allows: func(_, to string) bool {
			return !under(to, "k8s.io", "sigs.k8s.io", Module) || under(to, "k8s.io/utils/clock", "k8s.io/utils/clock/testing", Module+"/framework/queue")
		},
	},
	{
		name:    "apis may import k8s.io/api, k8s.io/apimachinery and apis",
		applies: in("apis"),
		allows:  func(_, to string) bool { return under(to, "k8s.io/api", "k8s.io/apimachinery", Module+"/apis") },
	},
	{
		name:    "framework may import framework, and of k8s.io/api only what events are made of and, for naming, evictions",
		applies: in("framework"),
		allows: func(room, to string) bool {
			if under(to, "k8s.io/api") {
				return under(to, "k8s.io/api/core/v1", "k8s.io/api/events/v1") ||
					room == "framework/naming" && under(to, "k8s.io/api/policy/v1")
			}
			return !ours(to) || in("framework")(within(to))
		},
	},
	{
		name:    "a controller may import apis, framework and controllers/internal, and no other room",
		applies: isRoomOfAController,
		allows: func(room, to string) bool {
			return !ours(to) || in("apis", "framework", "controllers/internal", controllerOf(room))(within(to))
		},
	},
	{
		name:    "the controllers together may import apis, framework and controllers",
		applies: in("controllers"),
		allows:  func(_, to string) bool { return !ours(to) || in("apis", "framework", "controllers")(within(to)) },
	},
	ownOnly("scheduler"),
	ownOnly("nodeagent"),
	ownOnly("network"),
	ownOnly("resourcemetrics"),
	ownOnly("storage"),
	{
		name:    "a scheduler plugin may not import another plugin",
		applies: func(room string) bool { return strings.HasPrefix(room, plugins) },
		allows: func(room, to string) bool {
			to = within(to)
			return !strings.HasPrefix(to, plugins) || in(plugin(room))(to)
		},
	},
	{
		name:    "only apiserver and webhooks may import k8s.io/kubernetes",
		applies: func(room string) bool { return !in("apiserver", "webhooks")(room) },
		allows:  func(_, to string) bool { return !isKubernetes(to) },
	},
	{
		name:    "only internal/cli and envtest may import internal/wiring",
		applies: func(room string) bool { return !in("internal/wiring", "internal/cli", "envtest")(room) },
		allows:  func(_, to string) bool { return !under(to, Module+"/internal/wiring") },
	},
	{
		name:    "only internal/wiring may put controllers together",
		applies: func(room string) bool { return !in("controllers", "internal/wiring", "hack/roles")(room) },
		allows:  func(_, to string) bool { return to != Module+"/controllers" },
	},
	{
		name:    "internal/wiring may not import who uses it",
		applies: in("internal/wiring"),
		allows: func(_, to string) bool {
			return !ours(to) || !in("internal/cli", "envtest", "test", "bench")(within(to))
		},
	},
	{
		name:    "envtest/rbac is for anybody's suite, and may import nothing of ours",
		applies: in("envtest/rbac"),
		allows:  func(_, to string) bool { return !ours(to) },
	},
	{
		name:    "internal/await is for tests",
		applies: func(room string) bool { return !in("internal/await", "apiserver/testserver")(room) },
		allows:  func(_, to string) bool { return !under(to, Module+"/internal/await") },
	},
	{
		name:    "only main may import internal/cli",
		applies: func(room string) bool { return room != "." && !in("internal/cli")(room) },
		allows:  func(_, to string) bool { return !under(to, Module+"/internal/cli") },
	},
}

func ownOnly(name string) rule {
	return rule{
		name:    name + " may import apis, framework, internal/durable and itself",
		applies: in(name),
		allows: func(_, to string) bool {
			return !ours(to) || in("apis", "framework", "internal/durable", name)(within(to))
		},
	}
}

// mayReachKubernetes says which rooms wire the API server in, so that importing them links it.
func mayReachKubernetes(room string) bool {
	return room == "." || !in("envtest/rbac")(room) && in("apiserver", "webhooks", "envtest", "internal/cli", "internal/wiring", "bench", "test")(room)
}
