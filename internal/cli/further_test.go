package cli

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/network/segment"
)

func open(t *testing.T, name string) *instance.Instance {
	t.Helper()
	inst, err := instance.Open(t.TempDir(), name)
	if err == nil {
		err = inst.Prepare()
	}
	if err != nil {
		t.Fatal(err)
	}
	return inst
}

func TestTheRangeOfNodesIsTheLastOneOfPods(t *testing.T) {
	for pods, want := range map[string]string{
		"10.200.0.0/16": "10.200.255.0/24", "10.0.0.0/8": "10.255.255.0/24", "10.84.0.0/22": "10.84.3.0/24", "10.84.7.0/24": "10.84.7.0/24",
	} {
		if got := part(netip.MustParsePrefix(pods), lastPart).String(); got != want {
			t.Errorf("that of %s is %s, want %s", pods, got, want)
		}
	}
}

func TestAnInstanceHasAsManyNodesAsBefore(t *testing.T) {
	inst := open(t, "orrery")
	if n := nodesBefore(inst); n != 1 {
		t.Errorf("at first it has %d nodes", n)
	}
	for _, n := range []int{2, 3} {
		if err := furtherNode(inst, n).Prepare(); err != nil {
			t.Fatal(err)
		}
	}
	if n := nodesBefore(inst); n != 3 {
		t.Errorf("it has %d nodes, want 3", n)
	}
	for arguments, want := range map[string]int{
		"--runtime=containerd": 3, "--runtime=containerd --real-nodes=2": 2, "--runtime=simulated": 1,
		"--runtime=containerd --runtime-endpoint=unix:///x": 1,
	} {
		o := upOptions{}
		up := newUp(&target{})
		if err := up.ParseFlags(strings.Fields(arguments)); err != nil {
			t.Fatal(err)
		}
		o.runtime = up.Flag("runtime").Value.String()
		o.endpoint = up.Flag("runtime-endpoint").Value.String()
		if up.Flags().Changed("real-nodes") {
			o.realNodes = want
		}
		if err := o.settleNodes(inst, up.Flags()); err != nil {
			t.Fatal(err)
		}
		if told := chosen(up.Flags())["real-nodes"]; o.realNodes != want || told == "0" {
			t.Errorf("up %s has %d nodes and tells of %s, want %d", arguments, o.realNodes, told, want)
		}
	}
}

func TestTracesOfFurtherNodesAreFoundWithoutARecord(t *testing.T) {
	inst := open(t, "orrery")
	if err := furtherNode(inst, 4).Prepare(); err != nil {
		t.Fatal(err)
	}
	if nodes, err := furtherNodes(inst); err != nil || !slices.Equal(nodes, []int{4}) {
		t.Errorf("by its directory %v are found (%v), want 4", nodes, err)
	}
	traces := tracesOf(inst)
	node := furtherNode(inst, 4)
	if !slices.Contains(traces.Dirs, node.Dir) || !slices.Contains(traces.Dirs, segment.Namespace(inst.ID(), 4)) || !slices.Contains(traces.CgroupRoots, cgroupRoot(node)) {
		t.Errorf("the doctor looks for %v", traces)
	}
}

func TestNodesOfSeveralInstancesShareNoName(t *testing.T) {
	a, b := open(t, "orrery"), open(t, "orrery")
	if furtherNode(a, 2).ID() == furtherNode(b, 2).ID() {
		t.Errorf("both are %s", furtherNode(a, 2).ID())
	}
	if furtherNode(a, 2).ID() == furtherNode(a, 3).ID() {
		t.Error("two nodes of one instance have one name")
	}
}

func TestHowManyNodesThereCanBeIsSaid(t *testing.T) {
	for _, c := range []struct {
		options upOptions
		says    string
	}{
		{upOptions{realNodes: -1}, "want 1 to 100"},
		{upOptions{realNodes: 101}, "want 1 to 100"},
		{upOptions{realNodes: 2, runtimeOptions: runtimeOptions{runtime: simulatedRuntime}}, "for simulated nodes there is --nodes"},
	} {
		if c.options.runtime == "" {
			c.options.runtime = defaultRuntime()
		}
		if err := c.options.complete(true); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("--real-nodes %d with %s: %v, want %q", c.options.realNodes, c.options.runtime, err, c.says)
		}
	}
}
