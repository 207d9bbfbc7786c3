package tests

import (
	"slices"
	"strings"
	"testing"
)

// suite is that of a name.
func suite(t *testing.T, name string) Suite {
	t.Helper()
	s, err := SuiteOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSuiteOfConformanceIsUpstreamsList(t *testing.T) {
	all, err := suite(t, Conformance).Tests(nil)
	if err != nil {
		t.Fatal(err)
	}
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

func TestSuitesChooseByName(t *testing.T) {
	names := []string{
		"[sig-network] Netpol NetworkPolicy between server and client should support allow-all policy [Feature:NetworkPolicy]",
		"[sig-network] Netpol [Feature:SCTPConnectivity] [LinuxOnly] NetworkPolicy using SCTP should enforce policy [Feature:NetworkPolicy]",
		"[sig-network] [Feature:IPv6DualStack] should create pod, add ipv6 and ipv4 ip to pod ips",
		"[sig-network] Services should be able to change the type from NodePort to ExternalName [Conformance]",
		"[sig-network] Services should be rejected when no endpoints exist",
		"[sig-network] Services should be updated [Alpha]",
		"[sig-node] MirrorPod when create a mirror pod should be updated when static pod updated [NodeConformance]",
		"[sig-node] MirrorPod [Serial] should not change container status [NodeConformance]",
		"[sig-node] Containers Lifecycle when a pod starts should run in order [NodeConformance]",
		"[sig-node] Sysctls [LinuxOnly] [NodeConformance] should not launch unsafe sysctls",
		"[sig-node] Pods should be updated [NodeConformance] [Conformance]",
		"[sig-storage] CSI Mock volume should work",
		"External Storage [Driver: local.storage.orrery.dev] [Testpattern: Dynamic PV (default fs)] subPath should support existing directory",
		"External Storage [Driver: local.storage.orrery.dev] [Testpattern: Dynamic PV (default fs)] [Disruptive] should survive",
	}
	for name, want := range map[string][]int{
		"netpol": {0}, "dualstack": {2}, "network": {4}, "mirrorpods": {6}, "lifecycle": {8}, "node": {8, 7, 6, 9}, "storage": {12},
	} {
		list, err := suite(t, name).Tests(names)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []int
		for _, test := range list {
			got = append(got, slices.Index(names, test.Name))
		}
		if !slices.Equal(got, want) {
			t.Errorf("suite %s has the tests %v, want %v", name, got, want)
		}
	}
	if _, err := suite(t, "storage").Tests(names[:12]); err == nil || !strings.Contains(err.Error(), "none of the 12 tests") {
		t.Errorf("a suite without tests: the error is %v", err)
	}
}

func TestTheOrderOfASuiteIsNotThatOfAShuffledProgram(t *testing.T) {
	names := []string{"[sig-network] Netpol b", "[sig-network] Netpol a"}
	list, err := suite(t, "netpol").Tests(names)
	if err != nil || len(list) != 2 || list[0].Name != names[1] {
		t.Errorf("got %v: %v", list, err)
	}
}

func TestAnUnknownSuiteNamesTheKnown(t *testing.T) {
	if _, err := SuiteOf("netpoll"); err == nil || !strings.Contains(err.Error(), "conformance, netpol, ") {
		t.Errorf("the error is %v", err)
	}
}

func TestChoice(t *testing.T) {
	all := []Test{
		{"[sig-apps] Job should run [Conformance]", "apps"},
		{"[sig-apps] Deployment should roll [Conformance]", "apps"},
		{"[sig-node] Pods should run [Conformance]", "node"},
	}
	for _, c := range []struct {
		name   string
		choice Choice
		want   []int
		says   string
	}{
		{"nothing chosen is everything", Choice{}, []int{0, 1, 2}, ""},
		{"one group", Choice{Groups: "apps"}, []int{0, 1}, ""},
		{"groups as upstream writes them", Choice{Groups: "sig-apps, sig-node"}, []int{0, 1, 2}, ""},
		{"a regular expression", Choice{Focus: "should (run|walk)"}, []int{0, 2}, ""},
		{"all but some", Choice{Skip: "Job|Pods"}, []int{1}, ""},
		{"some of a group", Choice{Groups: "apps", Focus: "run"}, []int{0}, ""},
		{"an unknown group names the known", Choice{Groups: "aps"}, nil, "apps, node"},
		{"a damaged expression", Choice{Focus: "("}, nil, "FOCUS"},
		{"another damaged expression", Choice{Skip: "("}, nil, "SKIP"},
		{"nothing left", Choice{Groups: "node", Focus: "Deployment"}, nil, "no test of the suite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.choice.Of(all)
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
