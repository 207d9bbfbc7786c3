package cli

import (
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/instance"
)

func TestFlagsThatAskForSomethingElseThanRunsAreTold(t *testing.T) {
	has := instance.Status{
		Server: "https://127.0.0.1:6443",
		Flags:  map[string]string{"nodes": "2", "runtime": "simulated", "etcd-servers": "[]", "port": "0"},
	}
	for arguments, want := range map[string]string{
		"":                               "",
		"--nodes 2":                      "",
		"--nodes 3":                      "it has --nodes=2, and not 3",
		"--port 6443":                    "",
		"--port 0":                       "",
		"--port 7443":                    "it has --port=6443, and not 7443",
		"--timeout 1s --foreground":      "",
		"--etcd-servers http://a,http:b": "it has --etcd-servers=[], and not [http://a,http:b]",
		"--runtime containerd --nodes 0": "it has --nodes=2, and not 0; it has --runtime=simulated, and not containerd",
		"--v 4":                          "", // it does not say how it was started in this
	} {
		up := newUp(&target{})
		if err := up.ParseFlags(strings.Fields(arguments)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(differences(up.Flags(), has), "; "); got != want {
			t.Errorf("up %s: %q, want %q", arguments, got, want)
		}
	}
}

func TestWhatRunsIsSaidByEachFlagThatDecidesIt(t *testing.T) {
	up := newUp(&target{})
	if err := up.ParseFlags([]string{"--nodes", "3", "--foreground"}); err != nil {
		t.Fatal(err)
	}
	flags := chosen(up.Flags())
	if flags["nodes"] != "3" || flags["runtime"] != defaultRuntime() {
		t.Errorf("the flags are %v, want 3 nodes and the default runtime", flags)
	}
	if _, told := flags["foreground"]; told {
		t.Error("that it is in the foreground says nothing of what runs")
	}
}
