package devices

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/nodeagent/topology"
)

func TestNearToWhichNodesDevicesCouldBe(t *testing.T) {
	for _, test := range []struct {
		name     string
		devices  string
		given    string
		reusable string
		taken    string
		wanted   int
		want     string
	}{
		{name: "one is preferred on any node with one", devices: "a:0 b:1", wanted: 1, want: "0+ 1+ 01"},
		{name: "on one without, no", devices: "a:0 b:1", taken: "a", wanted: 1, want: "1+ 01"},
		{name: "several are preferred on as few nodes as could have them", devices: "a:0 b:0 c:1", taken: "a", wanted: 2, want: "01"},
		{name: "more than any node has are preferred on all", devices: "a:0 b:1", wanted: 2, want: "01+"},
		{name: "nodes without a device are not looked at", devices: "a:2 b:3", wanted: 1, want: "2+ 3+ 23"},
		{name: "those that were given already say where they are", devices: "a:0 b:1", taken: "b", given: "b", wanted: 1, want: "1+ 01"},
		{name: "others than are asked for are nowhere", devices: "a:0 b:1", taken: "b", given: "b", wanted: 2, want: "nowhere"},
		{name: "those of init containers have to be among them", devices: "a:0 b:1", taken: "a", reusable: "a", wanted: 1, want: "0+ 01"},
		{name: "too few are nowhere", devices: "a:0 b:1!", wanted: 2, want: "nowhere"},
		{name: "it makes no difference where none is near to anything", devices: "a b", wanted: 1, want: "anywhere"},
		{name: "one that is near to several nodes is on each", devices: "a:0,1", wanted: 1, want: "0+ 1+ 01"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &Manager{offers: map[string]*offer{}, given: book{}}
			o := newOffer(time.Time{})
			o.devices, o.plugins = machine(test.devices), []*plugin{{}}
			m.offers[gpu] = o
			for id := range strings.FieldsSeq(test.taken) {
				m.given.enter("other", id, gpu, grant{Devices: map[string][]int64{id: nil}})
			}
			list := m.hints(gpu, strings.Fields(test.given), strings.Fields(test.reusable), test.wanted, []int{0, 1, 2, 3})
			if got := said(list); got != test.want {
				t.Errorf("they could be near to %s, want %s", got, test.want)
			}
		})
	}
}

// said are hints written as "0+ 01": the nodes, and + for a preferred one.
func said(list []topology.Hint) string {
	switch {
	case list == nil:
		return "anywhere"
	case len(list) == 0:
		return "nowhere"
	}
	var words []string
	for _, h := range list {
		word := strings.Trim(strings.ReplaceAll(fmt.Sprint(h.Nodes.IDs()), " ", ""), "[]")
		if h.Preferred {
			word += "+"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
