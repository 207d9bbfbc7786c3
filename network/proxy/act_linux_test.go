package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/knftables"
)

// TestStepsLeadWhereAFreshTableStands walks through random worlds: after each change, the table that was changed step by step is the
// one that is written anew.
func TestStepsLeadWhereAFreshTableStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stepwise := knftables.NewFake(knftables.IPv4Family, "orrery-test-services")
		var present *Table
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			wanted := Plan(randomWorld(t))
			if _, err := apply(t.Context(), stepwise, present, wanted); err != nil {
				t.Fatal(err)
			}
			present = wanted

			fresh := knftables.NewFake(knftables.IPv4Family, "orrery-test-services")
			if _, err := apply(t.Context(), fresh, nil, wanted); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(contents(fresh), contents(stepwise)); diff != "" {
				t.Fatalf("the table differs (-written anew +changed):\n%s", diff)
			}
		}
	})
}

// contents is what a table holds, rules in their order, and elements, which have none, sorted.
func contents(nft *knftables.Fake) []string {
	lines := strings.Split(nft.Dump(), "\n")
	isElement := func(line string) bool { return strings.HasPrefix(line, "add element ") }
	elements := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !isElement(line) })
	slices.Sort(elements)
	return append(slices.DeleteFunc(lines, isElement), elements...)
}

func TestApplyDoesNothingWhenNothingChanged(t *testing.T) {
	nft := knftables.NewFake(knftables.IPv4Family, "orrery-test-services")
	table := Plan(goldens["affinity"])
	if changed, err := apply(t.Context(), nft, nil, table); err != nil || !changed {
		t.Fatalf("the first time: changed %t, error %v", changed, err)
	}
	if changed, err := apply(t.Context(), nft, table, Plan(goldens["affinity"])); err != nil || changed {
		t.Errorf("the second time: changed %t, error %v", changed, err)
	}
}

// randomWorld has up to four services of all sorts, with up to four endpoints each.
func randomWorld(t *rapid.T) World {
	w := worldOf()
	for i := range 4 {
		if !rapid.Bool().Draw(t, "exists") {
			continue
		}
		name, ip := fmt.Sprintf("web-%d", i), fmt.Sprintf("10.96.0.%d", 10+i)
		s := service(func(s *corev1.Service) { s.Name, s.Spec.ClusterIP, s.Spec.ClusterIPs = name, ip, []string{ip} })
		for _, option := range []func(*corev1.Service){nodePort, affine, internalLocal, externalLocal} {
			if rapid.Bool().Draw(t, "option") {
				option(s)
			}
		}
		if s.Spec.Ports[0].NodePort != 0 {
			s.Spec.Ports[0].NodePort += int32(i)
		}
		w.Services = append(w.Services, s)

		var endpoints []discoveryv1.Endpoint
		for j := range rapid.IntRange(0, 4).Draw(t, "endpoints") {
			make := rapid.SampledFrom([]func(ip, node string) discoveryv1.Endpoint{at, terminating, unready}).Draw(t, "condition")
			endpoints = append(endpoints, make(fmt.Sprintf("10.84.0.%d", 4*i+j), rapid.SampledFrom([]string{"here", "there"}).Draw(t, "node")))
		}
		w.Slices = append(w.Slices, of(name, slice(endpoints...)))
	}
	return w
}
