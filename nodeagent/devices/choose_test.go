package devices

import (
	"fmt"
	"strings"
	"testing"
)

// machine are devices written as "a b:0 c:0,1 d!": with the NUMA nodes that they are near to, and ! for one that is not healthy.
func machine(text string) map[string]Device {
	devices := map[string]Device{}
	for word := range strings.FieldsSeq(text) {
		word, sick := strings.CutSuffix(word, "!")
		id, nodes, _ := strings.Cut(word, ":")
		d := Device{Healthy: !sick}
		for node := range strings.SplitSeq(nodes, ",") {
			if node != "" {
				d.NUMA = append(d.NUMA, int64(node[0]-'0'))
			}
		}
		devices[id] = d
	}
	return devices
}

func TestWhichDevicesAContainerIsGiven(t *testing.T) {
	for _, test := range []struct {
		name     string
		devices  string
		reusable string
		taken    string
		near     []int
		wanted   int
		// prefers is what the plugin prefers; asked is what it is asked: so many of these, with those among them.
		prefers string
		asked   string
		want    string
	}{
		{name: "the first ones that are free and healthy", devices: "a b! c d", taken: "a", wanted: 2, asked: "[c d] with []", want: "[c d]"},
		{name: "those that the plugin prefers", devices: "a b c d", wanted: 2, prefers: "d b", asked: "[a b c d] with []", want: "[b d]"},
		{name: "others, where the plugin prefers what cannot be had", devices: "a b c d!", taken: "b", wanted: 2, prefers: "b d x", asked: "[a c] with []", want: "[a c]"},
		{name: "others beside the one that the plugin prefers", devices: "a b c", wanted: 2, prefers: "c", asked: "[a b c] with []", want: "[a c]"},
		{name: "what the pod's init containers had, at first", devices: "a b c", reusable: "c", taken: "c", wanted: 2, prefers: "b", asked: "[a b c] with [c]", want: "[b c]"},
		{name: "no more than it wants of what its init containers had", devices: "a b c", reusable: "b c", taken: "b c", wanted: 1, want: "[b]"},
		{name: "those near to the nodes that were chosen", devices: "a:1 b:1 c:0 d:0", near: []int{0}, wanted: 2, want: "[c d]"},
		{name: "of more of them those that the plugin prefers", devices: "a:0 b:0 c:0 d:1", near: []int{0}, wanted: 2, prefers: "d c", asked: "[a b c] with []", want: "[a c]"},
		{name: "all of them, if there are too few, and then others", devices: "a b:1 c:0 d:1", near: []int{0}, wanted: 2, prefers: "d", asked: "[a b c d] with [c]", want: "[c d]"},
		{name: "those of other nodes before those near to nothing", devices: "a b:1 c:0", near: []int{0}, wanted: 2, asked: "[a b c] with [c]", want: "[b c]"},
		{name: "one that is near to several nodes", devices: "a:1 b:0,1", near: []int{0}, wanted: 1, want: "[b]"},
		{name: "any, where none is near to anything", devices: "a b", near: []int{0}, wanted: 1, asked: "[a b] with []", want: "[a]"},
		{name: "none, if too few are left", devices: "a b! c", taken: "c", wanted: 2,
			want: "requested number of devices unavailable for example.com/gpu. Requested: 2, Available: 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := pool{resource: "example.com/gpu", devices: machine(test.devices), reusable: strings.Fields(test.reusable), taken: map[string]bool{}, near: test.near}
			for id := range strings.FieldsSeq(test.taken) {
				p.taken[id] = true
			}
			got, asked := "", ""
			c, err := p.choose(test.wanted)
			if err != nil {
				got = err.Error()
			} else {
				if c.open() {
					asked = fmt.Sprintf("%v with %v", c.available, c.chosen)
				}
				got = fmt.Sprint(c.close(strings.Fields(test.prefers)))
			}
			if got != test.want || asked != test.asked {
				t.Errorf("it is given %s, and the plugin asked %q; want %s and %q", got, asked, test.want, test.asked)
			}
		})
	}
}

func TestNamesOfExtendedResources(t *testing.T) {
	for name, right := range map[string]bool{
		"example.com/gpu": true, "gpu": false, "kubernetes.io/gpu": false, "sub.kubernetes.io/gpu": false, "requests.example.com/gpu": false,
		"example.com/g pu": false, "": false,
	} {
		if err := checkName(name); (err == nil) != right {
			t.Errorf("%q: %v", name, err)
		}
	}
}
