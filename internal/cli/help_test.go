package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEachCommandExplainsItselfWithExamples(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		for _, child := range c.Commands() {
			if child.Name() == "help" || child.Name() == "completion" {
				continue // cobra's own
			}
			if child.Short == "" || strings.HasSuffix(child.Short, ".") {
				t.Errorf("%s: short help %q: want a sentence without a full stop", child.CommandPath(), child.Short)
			}
			if !strings.Contains(child.Example, "orrery ") {
				t.Errorf("%s has no example", child.CommandPath())
			}
			visit(child)
		}
	}
	visit(newRoot())
}

func TestAFlagThatIsUnknownPointsToTheHelp(t *testing.T) {
	root := newRoot()
	root.SetArgs([]string{"status", "--colour"})
	err := root.Execute()
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --colour") || !strings.Contains(err.Error(), "orrery status --help") {
		t.Errorf("got %v, want the flag and where its help is", err)
	}
}

func TestACommandThatIsUnknownIsGuessed(t *testing.T) {
	root := newRoot()
	root.SetArgs([]string{"stauts"})
	if err := root.Execute(); err == nil || !strings.Contains(err.Error(), "did you mean status?") {
		t.Errorf("got %v, want a guess", err)
	}
}

func TestOptionsOfUpAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		options upOptions
		want    string
	}{
		"an unknown runtime":      {upOptions{runtimeOptions: runtimeOptions{runtime: "docker"}}, "containerd or simulated"},
		"an endpoint for nothing": {upOptions{runtimeOptions: runtimeOptions{runtime: "simulated", endpoint: "unix:///x"}}, "leave out --runtime simulated"},
		"profiles for nothing":    {upOptions{runtimeOptions: runtimeOptions{runtime: "simulated", seccompDefault: true}}, "leave out --runtime simulated"},
		"less than no nodes":      {upOptions{runtimeOptions: runtimeOptions{runtime: "simulated"}, nodes: -1}, "--nodes -1"},
		"a port too high":         {upOptions{runtimeOptions: runtimeOptions{runtime: "simulated"}, port: 65536}, "--port 65536"},
		"files without servers":   {upOptions{runtimeOptions: runtimeOptions{runtime: "simulated"}, etcd: etcdOptions{keyFile: "k"}}, "--etcd-servers"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.options.complete(true); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	o := upOptions{runtimeOptions: runtimeOptions{runtime: "simulated"}}
	if err := o.complete(false); err != nil || o.nodes != 1 {
		t.Errorf("simulated has %d nodes by default (%v), want 1", o.nodes, err)
	}
}
