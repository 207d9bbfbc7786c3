// Package version says which Orrery this is. It promises an answer for any binary, also one
// that was built without the Makefile, and never says which Kubernetes is inside: that is
// k8s.io/component-base/version. [Stated] is how a part of Kubernetes that is ours names both.
package version

import "runtime/debug"

// number and commit are set by the linker, see LDFLAGS in the Makefile.
var number, commit string

// Info describes a build.
type Info struct {
	// Version is a semantic version such as v0.1.0, or "devel" where none was given.
	Version string `json:"version"`
	// Commit is the revision that was built, with "-dirty" after it if files had been
	// changed, or empty where it is not known.
	Commit string `json:"commit,omitempty"`
	// Go is the version of the Go toolchain, such as go1.26.8.
	Go string `json:"go,omitempty"`
}

// Get describes the running binary. What the linker was not told comes from the build
// information that Go puts into every binary.
func Get() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{}
	}
	return describe(number, commit, build)
}

func describe(number, commit string, build *debug.BuildInfo) Info {
	info := Info{Version: number, Commit: commit, Go: build.GoVersion}
	if info.Version == "" {
		info.Version = build.Main.Version
	}
	if info.Version == "" || info.Version == "(devel)" {
		info.Version = "devel"
	}
	if info.Commit == "" {
		info.Commit = revision(build)
	}
	return info
}

func revision(build *debug.BuildInfo) string {
	var revision, suffix string
	for _, setting := range build.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			suffix = "-dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + suffix
}
