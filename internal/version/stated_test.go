package version

import (
	"testing"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		stated, kubernetes, orrery string
		ours                       bool
	}{
		"both":                          {"v1.37.1+orrery.v0.1.0-3-gabc", "v1.37.1", "v0.1.0-3-gabc", true},
		"no version of the program":     {"v1.37.1+orrery", "v1.37.1", "", true},
		"upstream's":                    {"v1.37.1", "v1.37.1", "", false},
		"another distribution":          {"v1.37.1+k3s1", "v1.37.1+k3s1", "", false},
		"one whose name begins as ours": {"v1.37.1+orrery2", "v1.37.1+orrery2", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			kubernetes, orrery, ours := Read(c.stated)
			if kubernetes != c.kubernetes || orrery != c.orrery || ours != c.ours {
				t.Errorf("Read(%q) = %q, %q, %v", c.stated, kubernetes, orrery, ours)
			}
		})
	}
}

func TestWhatIsStatedIsAVersionAndReadAgain(t *testing.T) {
	old := number
	t.Cleanup(func() { number = old })
	for linked, want := range map[string]string{"v0.2.0": "v0.2.0", "v0.2.0 (a fork)": "v0.2.0-a-fork-", "v0.2.0+x": "v0.2.0-x"} {
		number = linked
		stated := Stated("v1.37.1")
		if parsed, err := utilversion.ParseSemantic(stated); err != nil || parsed.Minor() != 37 {
			t.Errorf("%s is no semantic version of minor 37: %v", stated, err)
		}
		if _, orrery, ours := Read(stated); !ours || orrery != want {
			t.Errorf("Read(%q) = %q, want %q", stated, orrery, want)
		}
	}
}
