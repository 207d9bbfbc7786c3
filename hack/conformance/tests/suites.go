package tests

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Conformance is the name of the suite of all conformance tests.
const Conformance = "conformance"

// Suite is a choice of upstream's tests, with a name, and what they want.
type Suite struct {
	// Name is what it is called by: "netpol".
	Name string
	// About says what its tests are about, in a few words.
	About string
	// DualStack says that the cluster has to have addresses of both IP families.
	DualStack bool
	// Driver is the file that defines the storage driver whose tests they are, from the module's directory; empty for tests of none.
	Driver string
	// OnNode says that they are of upstream's suite for nodes, which reads and writes files of the one node that there is.
	OnNode bool

	// focus and skip are expressions for the names of its tests, and of those that it leaves out. Both are empty in the suite of
	// conformance, whose tests are in a list.
	focus, skip string
}

// unfinished are marks of tests that upstream does not run by default, whatever they are about.
const unfinished = `\[Alpha\]|\[Flaky\]|\[Disruptive\]`

// sctp marks tests that want the kernel to have SCTP.
const sctp = `\[Feature:SCTPConnectivity\]`

// restarts marks tests of a node that stop its kubelet or its container runtime, which they take for services of systemd.
const restarts = `\[Serial\]`

// suites are all of them.
var suites = []Suite{
	{Name: Conformance, About: "what every Kubernetes has to do"},
	{
		Name: "netpol", About: "NetworkPolicies",
		focus: `^\[sig-network\] Netpol `, skip: unfinished + `|` + sctp,
	},
	{
		Name: "dualstack", About: "pods and Services with addresses of both IP families", DualStack: true,
		focus: `\[Feature:IPv6DualStack\]`, skip: unfinished + `|` + sctp,
	},
	{
		Name: "storage", About: "volumes, clones and snapshots of the driver local.storage.orrery.dev: upstream's External Storage", Driver: "drivers/local.yaml",
		focus: `^External Storage `, skip: unfinished,
	},
	{
		Name: "mirrorpods", About: "static pods of a node, and their mirrors", OnNode: true,
		focus: `^\[sig-node\] MirrorPod`, skip: unfinished + `|` + restarts,
	},
	{
		Name: "lifecycle", About: "in which order the containers of a pod start, restart and end", OnNode: true,
		focus: `^\[sig-node\] Containers Lifecycle .*\[NodeConformance\]`, skip: unfinished + `|` + restarts,
	},
	{
		Name: "network", About: "Services, DNS, ports of nodes and hosts: the network beyond conformance, without optional features",
		focus: `^\[sig-network\] `, skip: unfinished + `|\[Conformance\]|\[Feature:`,
	},
	{
		Name: "node", About: "pods and their containers: what upstream wants of every node, beyond conformance",
		focus: `^\[sig-node\] .*\[NodeConformance\]`, skip: unfinished + `|\[Conformance\]|\[Feature:`,
	},
}

// SuiteOf returns the suite of a name.
func SuiteOf(name string) (Suite, error) {
	for _, s := range suites {
		if s.Name == name {
			return s, nil
		}
	}
	return Suite{}, fmt.Errorf("SUITE: there is no suite %q: want one of %s", name, strings.Join(Names(), ", "))
}

// Names are those of all suites.
func Names() []string {
	var names []string
	for _, s := range suites {
		names = append(names, s.Name)
	}
	return names
}

// Listed says that its tests are in a list that is compiled in: no program has to be asked for them.
func (s Suite) Listed() bool { return s.focus == "" }

// Tests returns the tests of the suite. What it is given are the names of all tests that upstream's program has, for a suite that is not
// Listed; its tests are in the order of their names.
func (s Suite) Tests(names []string) ([]Test, error) {
	if s.Listed() {
		return conformance()
	}
	focus, skip := regexp.MustCompile(s.focus), regexp.MustCompile(s.skip)
	var list []Test
	for _, name := range names {
		if !focus.MatchString(name) || skip.MatchString(name) {
			continue
		}
		test, err := Named(name)
		if err != nil {
			return nil, err
		}
		list = append(list, test)
	}
	// Upstream's program shuffles its tests, and no record is to change by that.
	slices.SortFunc(list, func(a, b Test) int { return strings.Compare(a.Name, b.Name) })
	if len(list) == 0 {
		return nil, fmt.Errorf("none of the %d tests of upstream's program is of suite %s", len(names), s.Name)
	}
	return list, nil
}
