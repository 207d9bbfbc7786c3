package tests

import (
	"slices"
	"strings"
	"testing"
)

func list(t *testing.T) []Test {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheListIsUpstreams(t *testing.T) {
	all := list(t)
	if len(all) != 462 {
		t.Errorf("there are %d tests, want the 462 of Kubernetes 1.37", len(all))
	}
	serial := 0
	seen := map[string]bool{}
	for _, test := range all {
		if seen[test.Name] {
			t.Errorf("%s is there twice", test.Name)
		}
		seen[test.Name] = true
		if test.Serial() {
			serial++
		}
	}
	if serial != 29 {
		t.Errorf("%d tests want the cluster for themselves, want 29", serial)
	}
}

func TestSelect(t *testing.T) {
	all := []Test{
		{"[sig-apps] Job should run [Conformance]", "apps"},
		{"[sig-apps] Deployment should roll [Conformance]", "apps"},
		{"[sig-node] Pods should run [Conformance]", "node"},
	}
	for _, c := range []struct {
		name, sigs, focus string
		want              []int
		says              string
	}{
		{"nothing chosen is everything", "", "", []int{0, 1, 2}, ""},
		{"one group", "apps", "", []int{0, 1}, ""},
		{"groups as upstream writes them", "sig-apps, sig-node", "", []int{0, 1, 2}, ""},
		{"a regular expression", "", "should (run|walk)", []int{0, 2}, ""},
		{"both", "apps", "run", []int{0}, ""},
		{"an unknown group names the known", "aps", "", nil, "apps, node"},
		{"a damaged expression", "", "(", nil, "FOCUS"},
		{"nothing left", "node", "Deployment", nil, "no conformance test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Select(all, c.sigs, c.focus)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Fatalf("the error is %v, want %q in it", err, c.says)
			}
			var want []Test
			for _, i := range c.want {
				want = append(want, all[i])
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
