package tests

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/kubernetes/test/conformance/testdata"
	"sigs.k8s.io/yaml"
)

// Test is one conformance test.
type Test struct {
	// Name is its full name, as Ginkgo prints it: "[sig-apps] Deployment ... [Conformance]".
	Name string
	// SIG is the special interest group that owns it: "apps".
	SIG string
}

// Serial says whether it wants the cluster for itself.
func (t Test) Serial() bool {
	return strings.Contains(t.Name, "[Serial]") || strings.Contains(t.Name, "[Disruptive]")
}

// sig is how every name begins.
var sig = regexp.MustCompile(`^\[sig-([a-z-]+)\] `)

// All returns the whole list.
func All() ([]Test, error) {
	list, err := testdata.GetConformanceTestdataFS().EmbeddedFS.ReadFile("conformance.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading upstream's list of conformance tests: %w", err)
	}
	var entries []struct {
		Codename string `json:"codename"`
	}
	if err := yaml.Unmarshal(list, &entries); err != nil {
		return nil, fmt.Errorf("parsing upstream's list of conformance tests: %w", err)
	}
	all := make([]Test, 0, len(entries))
	for _, entry := range entries {
		owner := sig.FindStringSubmatch(entry.Codename)
		if owner == nil {
			return nil, fmt.Errorf("parsing upstream's list of conformance tests: %q names no special interest group", entry.Codename)
		}
		all = append(all, Test{Name: entry.Codename, SIG: owner[1]})
	}
	return all, nil
}

// Select returns the tests of the groups, separated by commas, whose names match a regular expression. An empty string selects all.
func Select(all []Test, groups, focus string) ([]Test, error) {
	matches, err := regexp.Compile(focus)
	if err != nil {
		return nil, fmt.Errorf("FOCUS: want a regular expression as Ginkgo's --focus has it: %w", err)
	}
	wanted, known := map[string]bool{}, map[string]bool{}
	for group := range strings.SplitSeq(groups, ",") {
		if group = strings.TrimPrefix(strings.TrimSpace(group), "sig-"); group != "" {
			wanted[group] = true
		}
	}
	var selected []Test
	for _, t := range all {
		known[t.SIG] = true
		if (len(wanted) == 0 || wanted[t.SIG]) && matches.MatchString(t.Name) {
			selected = append(selected, t)
		}
	}
	for group := range wanted {
		if !known[group] {
			return nil, fmt.Errorf("SIG: no conformance test belongs to %q: want some of %s", group, strings.Join(SIGs(all), ", "))
		}
	}
	if len(selected) == 0 {
		return nil, fmt.Errorf("no conformance test is of SIG=%q and matches FOCUS=%q", groups, focus)
	}
	return selected, nil
}

// SIGs returns the groups that own tests, in the order of the list.
func SIGs(list []Test) []string {
	var groups []string
	seen := map[string]bool{}
	for _, t := range list {
		if !seen[t.SIG] {
			seen[t.SIG] = true
			groups = append(groups, t.SIG)
		}
	}
	return groups
}
