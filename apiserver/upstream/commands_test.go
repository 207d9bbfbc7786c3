package upstream

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// programVariable makes the test binary behave as the multi-call binary.
const programVariable = "ORRERY_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) == "" {
		os.Exit(m.Run())
	}
	root := &cobra.Command{Use: "orrery"}
	root.AddCommand(Commands()...)
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}

func TestEachProgramRunsWithItsOwnFlags(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
		code int
	}{
		{"kube-apiserver prints its version", []string{"kube-apiserver", "--version"}, "Kubernetes v", 0},
		{"kube-apiserver explains its flags", []string{"kube-apiserver", "--help"}, "--service-cluster-ip-range", 0},
		{"kube-apiserver refuses an unknown flag", []string{"kube-apiserver", "--warp"}, "unknown flag: --warp", 1},
		{"etcd prints its version", []string{"etcd", "--version"}, "etcd Version: 3.", 0},
		{"kubectl prints its version", []string{"kubectl", "version", "--client"}, "Client Version: v", 0},
		{"kubectl explains a command", []string{"kubectl", "rollout", "--help"}, "Manage the rollout", 0},
		{"kubectl refuses an unknown command", []string{"kubectl", "warp"}, `unknown command "warp"`, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			program := exec.Command(os.Args[0], test.args...)
			program.Env = append(os.Environ(), programVariable+"=1", "HOME="+t.TempDir())
			var output bytes.Buffer
			program.Stdout, program.Stderr = &output, &output
			_ = program.Run() // the code says it
			if code := program.ProcessState.ExitCode(); code != test.code || !strings.Contains(output.String(), test.want) {
				t.Errorf("it exited with %d, want %d, and said, without %q:\n%s", code, test.code, test.want, &output)
			}
		})
	}
}
