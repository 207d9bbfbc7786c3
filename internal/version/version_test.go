package version

import (
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDescribe(t *testing.T) {
	for name, c := range map[string]struct {
		number, commit string
		build          debug.BuildInfo
		want           Info
	}{
		"believes the linker before Go": {
			number: "v0.1.0", commit: "abc",
			build: debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v0.0.9"}},
			want:  Info{Version: "v0.1.0", Commit: "abc", Go: "go1.26.8"},
		},
		"takes the module's version when it was installed by go install": {
			build: debug.BuildInfo{Main: debug.Module{Version: "v0.0.9"}},
			want:  Info{Version: "v0.0.9"},
		},
		"marks the commit when files had been changed": {
			build: debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
				{Key: "vcs.modified", Value: "true"}, {Key: "vcs.revision", Value: "abc"},
			}},
			want: Info{Version: "devel", Commit: "abc-dirty"},
		},
		"says devel when nobody knows": {want: Info{Version: "devel"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, describe(c.number, c.commit, &c.build)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
