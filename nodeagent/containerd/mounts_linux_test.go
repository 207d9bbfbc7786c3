package containerd

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMount(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       mount
	}{
		{"a private mount", "23 28 0:21 / /sys rw,relatime - sysfs sysfs rw", mount{"/sys", false}},
		{"a shared mount", "23 28 0:21 / /sys rw,relatime shared:7 - sysfs sysfs rw", mount{"/sys", true}},
		{"one that is shared and a slave", "23 28 0:21 / /sys rw shared:7 master:2 - sysfs sysfs rw", mount{"/sys", true}},
		{"a slave", "23 28 0:21 / /sys rw master:2 - sysfs sysfs rw", mount{"/sys", false}},
		{"a path with a space", `23 28 0:21 / /my\040data rw - ext4 /dev/vda rw`, mount{"/my data", false}},
		{"a source that looks like a field", "23 28 0:21 / /x rw - fuse shared:9 rw", mount{"/x", false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseMount(c.line)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(mount{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, line := range []string{"", "23 28 0:21 / /sys rw", "23 28 0:21 / - sysfs sysfs rw extra"} {
		if m, err := parseMount(line); err == nil {
			t.Errorf("%q was read as %+v, want an error", line, m)
		}
	}
}

func TestHolding(t *testing.T) {
	all := []mount{{"/", false}, {"/data", true}, {"/data/pods", false}, {"/database", false}, {"/data", false}}
	for path, want := range map[string]mount{
		"/data/pods/one": {"/data/pods", false},
		"/data/other":    {"/data", false}, // the later of two on one point hides the earlier
		"/database/x":    {"/database", false},
		"/dat":           {"/", false},
	} {
		if got := holding(all, path); got != want {
			t.Errorf("%s lies in %+v, want %+v", path, got, want)
		}
	}
}
