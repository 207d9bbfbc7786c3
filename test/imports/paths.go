package imports

import "strings"

const plugins = "scheduler/plugins/"

// within returns a package's path within the module: "." for its root, and the path as it is
// for a package of another module.
func within(pkg string) string {
	if pkg == Module {
		return "."
	}
	return strings.TrimPrefix(pkg, Module+"/")
}

func ours(pkg string) bool { return under(pkg, Module) }

func isKubernetes(pkg string) bool { return under(pkg, "k8s.io/kubernetes") }

// in returns whether a path within the module is one of the given folders or below it.
func in(folders ...string) func(room string) bool {
	return func(room string) bool { return under(room, folders...) }
}

func under(path string, folders ...string) bool {
	for _, folder := range folders {
		if path == folder || strings.HasPrefix(path, folder+"/") {
			return true
		}
	}
	return false
}

// isRoomOfAController tells controllers/apps/deployment, and what is below it, from
// controllers itself and from controllers/internal.
func isRoomOfAController(room string) bool {
	return controllerOf(room) != "" && !under(room, "controllers/internal")
}

// controllerOf returns controllers/GROUP/KIND, or "" if room is not below such a folder.
func controllerOf(room string) string {
	parts := strings.SplitN(room, "/", 4)
	if len(parts) < 3 || parts[0] != "controllers" {
		return ""
	}
	return strings.Join(parts[:3], "/")
}

// plugin returns scheduler/plugins/NAME for a package at or below it.
func plugin(room string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(room, plugins), "/")
	return plugins + name
}
