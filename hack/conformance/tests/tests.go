package tests

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/kubernetes/test/conformance/testdata"
	"sigs.k8s.io/yaml"
)

// Test is one of upstream's tests.
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

// sig is how the names of tests begin, but for those of a storage driver, which are defined by a file.
var sig = regexp.MustCompile(`^\[sig-([a-z-]+)\] `)

// external is how the names of those begin.
const external = "External Storage "

// Named is the test of a name.
func Named(name string) (Test, error) {
	if owner := sig.FindStringSubmatch(name); owner != nil {
		return Test{Name: name, SIG: owner[1]}, nil
	}
	if strings.HasPrefix(name, external) {
		return Test{Name: name, SIG: "storage"}, nil
	}
	return Test{}, fmt.Errorf("the name of a test names no special interest group: %q", name)
}

// conformance returns upstream's list of conformance tests.
func conformance() ([]Test, error) {
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
		test, err := Named(entry.Codename)
		if err != nil {
			return nil, fmt.Errorf("parsing upstream's list of conformance tests: %w", err)
		}
		all = append(all, test)
	}
	return all, nil
}

// Choice is which tests of a suite are to run. The zero value is all of them.
type Choice struct {
	// Groups are special interest groups, separated by commas; empty means all.
	Groups string
	// Focus and Skip are regular expressions for the names of tests that are to run, and that are not; an empty one is of no effect.
	Focus, Skip string
}

// Of returns the tests of a list that are chosen.
func (c Choice) Of(list []Test) ([]Test, error) {
	focus, err := expression("FOCUS", c.Focus)
	if err != nil {
		return nil, err
	}
	skip, err := expression("SKIP", c.Skip)
	if err != nil {
		return nil, err
	}
	wanted, known := map[string]bool{}, map[string]bool{}
	for group := range strings.SplitSeq(c.Groups, ",") {
		if group = strings.TrimPrefix(strings.TrimSpace(group), "sig-"); group != "" {
			wanted[group] = true
		}
	}
	var chosen []Test
	for _, t := range list {
		known[t.SIG] = true
		if (len(wanted) == 0 || wanted[t.SIG]) && focus.MatchString(t.Name) && (c.Skip == "" || !skip.MatchString(t.Name)) {
			chosen = append(chosen, t)
		}
	}
	for group := range wanted {
		if !known[group] {
			return nil, fmt.Errorf("SIG: no test of the suite belongs to %q: want some of %s", group, strings.Join(SIGs(list), ", "))
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no test of the suite is of SIG=%q, matches FOCUS=%q and does not match SKIP=%q", c.Groups, c.Focus, c.Skip)
	}
	return chosen, nil
}

func expression(flag, text string) (*regexp.Regexp, error) {
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: want a regular expression as Ginkgo's --focus and --skip have it: %w", flag, err)
	}
	return compiled, nil
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
