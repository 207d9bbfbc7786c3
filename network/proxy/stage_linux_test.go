package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/knftables"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/network/nft"
)

// stage is where a story is played.
type stage struct {
	client   func() *nft.Client  // of a process that has just started
	others   knftables.Interface // what somebody else changes the table with
	fail     func(next bool)     // says whether the next transaction fails
	contents func() []string
}

// change has somebody else change the table.
func (s *stage) change(t rapid.TB, e event) {
	t.Helper()
	there, err := s.others.ListAll(context.Background())
	if err != nil { // there is no table
		return
	}
	tx := s.others.NewTransaction()
	chain, set := choose(there["chain"], e.pick), choose(slices.Concat(there["map"], prefixed("set ", there["set"])), e.pick)
	set, isSet := strings.CutPrefix(set, "set ")
	switch {
	case e.kind == "table deleted":
		tx.Delete(&knftables.Table{})
	case e.kind == "chain flushed":
		tx.Flush(&knftables.Chain{Name: chain})
	case e.kind == "rule added":
		tx.Add(&knftables.Rule{Chain: chain, Rule: "counter"})
	case e.kind == "rule deleted":
		rules, err := s.others.ListRules(context.Background(), chain)
		if err != nil || len(rules) == 0 {
			return
		}
		tx.Delete(&knftables.Rule{Chain: chain, Handle: rules[e.pick%len(rules)].Handle})
	case e.kind == "chain added":
		tx.Add(&knftables.Chain{Name: "intruder"})
		tx.Add(&knftables.Rule{Chain: "intruder", Rule: "drop"})
		tx.Add(&knftables.Rule{Chain: chain, Rule: "goto intruder"})
	case e.kind == "set flushed" && isSet:
		tx.Flush(&knftables.Set{Name: set})
	case e.kind == "set flushed":
		tx.Flush(&knftables.Map{Name: set})
	case e.kind == "element added":
		tx.Add(&knftables.Element{Map: "node-ports", Key: []string{"tcp", fmt.Sprint(30080 + e.pick)}, Value: []string{"drop"}})
	case e.kind == "element deleted":
		elements, err := s.others.ListElements(context.Background(), "map", "services")
		if err != nil || len(elements) == 0 {
			return
		}
		tx.Delete(elements[e.pick%len(elements)])
	}
	_ = s.others.Run(context.Background(), tx) // what cannot be changed, as an element that is there already, is not
}

func choose(names []string, pick int) string {
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return names[pick%len(names)]
}

func prefixed(prefix string, names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = prefix + name
	}
	return all
}

// contents is what a table in memory holds, rules in their order, and elements, which have none, sorted.
func contents(nft *knftables.Fake) []string {
	lines := strings.Split(nft.Dump(), "\n")
	isElement := func(line string) bool { return strings.HasPrefix(line, "add element ") }
	elements := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !isElement(line) })
	slices.Sort(elements)
	return append(slices.DeleteFunc(lines, isElement), elements...)
}

// cluster is an API with the Services and EndpointSlices of a world.
type cluster struct{ World }

func (c *cluster) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("the proxy reads lists")
}

func (c *cluster) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	switch list := list.(type) {
	case *ocorev1.ServiceList:
		for _, service := range c.Services {
			list.Items = append(list.Items, ocorev1.Service(*service))
		}
	case *ocorev1.NodeList:
		if c.Node != nil {
			list.Items = append(list.Items, ocorev1.Node(*c.Node))
		}
	case *odiscoveryv1.EndpointSliceList:
		for _, slice := range c.Slices {
			list.Items = append(list.Items, odiscoveryv1.EndpointSlice(*slice))
		}
	}
	return nil
}

// flowTable notes for which ports flows were looked through last.
type flowTable struct {
	fail bool
	last udpFlows
}

func (f *flowTable) Forget(udp udpFlows) error {
	if f.fail {
		f.fail = false
		return errors.New("the kernel refuses")
	}
	f.last = udp
	return nil
}

// check checks that flows were looked through after the last change of ports with UDP.
func (f *flowTable) check(t rapid.TB, w World) {
	t.Helper()
	wanted := udpPorts(ports(w), nil)
	for at, to := range wanted.services {
		if got, ok := f.last.services[at]; !ok || !maps.Equal(got, to) {
			t.Fatalf("flows to %s were looked through for %v last, want %v", at, got, to)
		}
	}
	for at, to := range wanted.nodePorts {
		if got, ok := f.last.nodePorts[at]; !ok || !maps.Equal(got, to) {
			t.Fatalf("flows to node port %d were looked through for %v last, want %v", at, got, to)
		}
	}
}
