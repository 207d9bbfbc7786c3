package proxy

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-dev/orrery/apis"
)

// TestKernelTableIsRepaired has somebody else change the table in the kernel in every way there is, and expects it to be as it was after
// the next pass.
func TestKernelTableIsRepaired(t *testing.T) {
	needsKernel(t)
	const table = " inet orrery-test-services "
	for name, script := range map[string]string{
		"the table is removed":                        "delete table" + table,
		"the ruleset is flushed":                      "flush ruleset",
		"the table is put to sleep":                   "add table" + table + "{ flags dormant; }",
		"the table is replaced by an empty one":       "delete table" + table + "; add table" + table,
		"all rules are flushed":                       "flush table" + table,
		"a chain's rules are flushed":                 "flush chain" + table + "translate",
		"a rule is added":                             "add rule" + table + "refuse accept",
		"a rule is put first":                         "insert rule" + table + "translate accept",
		"a rule is replaced":                          "flush chain" + table + "nat-output; add rule" + table + "nat-output accept",
		"a chain's policy is changed":                 "add chain" + table + "filter-input { policy drop; }",
		"a chain is added":                            "add chain" + table + "intruder; add rule" + table + "intruder drop; insert rule" + table + "translate jump intruder",
		"a base chain is added":                       "add chain" + table + "intruder { type filter hook input priority 10; policy drop; }",
		"a chain is removed":                          "flush chain" + table + "nat-prerouting; delete chain" + table + "nat-prerouting",
		"a base chain is made a plain one":            "flush chain" + table + "nat-prerouting; delete chain" + table + "nat-prerouting; add chain" + table + "nat-prerouting; add rule" + table + "nat-prerouting jump translate",
		"a map's elements are flushed":                "flush map" + table + "services",
		"an element is removed":                       "delete element" + table + "services { 10.96.0.10 . udp . 80 }",
		"an element is added":                         "add element" + table + "services { 10.96.0.99 . udp . 80 : drop }",
		"an element leads elsewhere":                  "delete element" + table + "services { 10.96.0.10 . udp . 80 }; add element" + table + "services { 10.96.0.10 . udp . 80 : drop }",
		"an element of a set is added":                "add element" + table + "refused { 10.96.0.10 . udp . 80 }",
		"a set is added":                              "add set" + table + "intruder { type ipv4_addr; }",
		"a map is removed with the rules that use it": "flush chain" + table + "translate; delete map" + table + "services",
		"a set is replaced by one of another type":    "flush chain" + table + "nat-postrouting; delete set" + table + "hairpins; add set" + table + "hairpins { type ipv4_addr; }",
		"a counter is added":                          "add counter" + table + "intruder",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, apis.Kubernetes)
			h.create(udpService(), udpSlice("10.84.0.5", "10.84.0.6"))
			h.sync()
			before := listing(t)

			runNft(t, script)
			if cmp.Equal(before, listing(t)) {
				t.Fatal("the script changes nothing")
			}
			h.sync()
			if diff := cmp.Diff(before, listing(t)); diff != "" {
				t.Errorf("the table is not as it was (-want +got):\n%s", diff)
			}
		})
	}
}

func runNft(t testing.TB, arguments ...string) string {
	t.Helper()
	said, err := exec.Command("nft", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("nft %s: %v: %s", strings.Join(arguments, " "), err, said)
	}
	return string(said)
}

// header is how nft begins to list a table: what comes first in it may be any chain or set.
var header = regexp.MustCompile(`(?m)^table [^\n]*\{\n(?:\t[^\t\n][^\n{]*\n)*`)

// listing is what nft says of the whole ruleset: what each table, chain and set holds, sorted by their names, and the elements of sets
// sorted, which the kernel lists in any order.
func listing(t testing.TB) []string {
	t.Helper()
	var blocks []string
	ruleset := strings.ReplaceAll(header.ReplaceAllString(runNft(t, "--stateless", "list", "ruleset"), "$0\n"), "\n}\n", "\n\n")
	for _, block := range strings.Split(ruleset, "\n\n") {
		lines := strings.Split(strings.NewReplacer("elements = { ", "elements = {\n", ",", "\n", " }\n", "\n").Replace(block), "\n")
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		if !strings.Contains(block, "chain ") {
			slices.Sort(lines)
		}
		blocks = append(blocks, strings.Join(lines, "\n"))
	}
	slices.Sort(blocks)
	return blocks
}
