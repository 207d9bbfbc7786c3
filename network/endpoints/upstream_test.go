package endpoints

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	upstream "k8s.io/kubernetes/pkg/proxy"
	"pgregory.net/rapid"
)

// TestEndpointsAreUpstreams compares which endpoints traffic goes to, under either policy, with kube-proxy's own choice.
func TestEndpointsAreUpstreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		here := Place{"here", rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "zone")}
		var ours []Endpoint
		var theirs []upstream.Endpoint
		for i := range rapid.IntRange(0, 4).Draw(t, "endpoints") {
			e := randomEndpoint(t, fmt.Sprintf("10.84.0.%d:80", i))
			own := Endpoint{
				Address: netip.MustParseAddrPort(e.address), Node: "there",
				Ready: e.ready, Serving: e.serving && e.terminating, Nodes: e.nodes, Zones: e.zones,
			}
			if e.local {
				own.Node = here.Node
			}
			ours = append(ours, own)
			theirs = append(theirs, e)
		}
		wantCluster, wantLocal, _, _ := upstream.CategorizeEndpoints(theirs, bothPolicies{}, here.Node, map[string]string{corev1.LabelTopologyZone: here.Zone})
		compare(t, "cluster", Usable(Near(ours, here)), wantCluster)
		compare(t, "local", Usable(slices.DeleteFunc(slices.Clone(ours), func(e Endpoint) bool { return e.Node != here.Node })), wantLocal)
	})
}

func compare(t *rapid.T, policy string, got []Endpoint, want []upstream.Endpoint) {
	t.Helper()
	var ours, theirs []string
	for _, e := range got {
		ours = append(ours, e.Address.String())
	}
	for _, e := range want {
		theirs = append(theirs, e.String())
	}
	if !slices.Equal(ours, theirs) {
		t.Errorf("under the policy %s traffic goes to %v, kube-proxy sends it to %v", policy, ours, theirs)
	}
}

// theirEndpoint is an endpoint as kube-proxy sees it.
type theirEndpoint struct {
	upstream.Endpoint
	address                            string
	local, ready, serving, terminating bool
	nodes, zones                       []string
}

func randomEndpoint(t *rapid.T, address string) theirEndpoint {
	some := func(what string, names ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 2, rapid.ID[string]).Draw(t, what)
	}
	e := theirEndpoint{
		address: address, local: rapid.Bool().Draw(t, "local"), ready: rapid.Bool().Draw(t, "ready"),
		nodes: some("nodes", "here", "there"), zones: some("zones", "a", "b"),
	}
	e.serving = e.ready || rapid.Bool().Draw(t, "serving")
	e.terminating = !e.ready && rapid.Bool().Draw(t, "terminating")
	return e
}

func (e theirEndpoint) String() string              { return e.address }
func (e theirEndpoint) IsLocal() bool               { return e.local }
func (e theirEndpoint) IsReady() bool               { return e.ready }
func (e theirEndpoint) IsServing() bool             { return e.serving }
func (e theirEndpoint) IsTerminating() bool         { return e.terminating }
func (e theirEndpoint) NodeHints() sets.Set[string] { return sets.New(e.nodes...) }
func (e theirEndpoint) ZoneHints() sets.Set[string] { return sets.New(e.zones...) }

// bothPolicies is a service whose traffic goes by both policies.
type bothPolicies struct{ upstream.ServicePort }

func (bothPolicies) UsesClusterEndpoints() bool { return true }
func (bothPolicies) UsesLocalEndpoints() bool   { return true }
func (bothPolicies) String() string             { return "web" }
