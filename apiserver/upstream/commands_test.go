package upstream

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

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
	// As the real one, it ends its own commands in good order.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	if err := root.ExecuteContext(ctx); err != nil {
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

// kubectl proxy does nothing about signals, and so ends by each.
func TestAProgramEndsByASignalAsItDoesAlone(t *testing.T) {
	for _, sent := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sent.String(), func(t *testing.T) {
			program := exec.Command(os.Args[0], "kubectl", "--server=http://127.0.0.1:1", "proxy", "--port=0")
			program.Env = append(os.Environ(), programVariable+"=1", "HOME="+t.TempDir())
			said, err := program.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			kill := time.AfterFunc(30*time.Second, func() { _ = program.Process.Kill() }) // the state below tells
			defer kill.Stop()
			if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || !strings.HasPrefix(line, "Starting to serve") {
				t.Fatalf("it said %q (%v), and does not serve", line, err)
			}
			if err := program.Process.Signal(sent); err != nil {
				t.Fatal(err)
			}
			_ = program.Wait() // the state says it
			if status := program.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sent {
				t.Errorf("it ended with %v, want the signal", program.ProcessState)
			}
		})
	}
}

// As in `kubectl get pods | head`: nobody reads on, and the program ends without a word.
func TestAProgramEndsWhenNobodyReadsOn(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = write.Close() }() // the child's is its own
	program := exec.Command(os.Args[0], "kubectl", "--help")
	program.Env = append(os.Environ(), programVariable+"=1", "HOME="+t.TempDir())
	program.Stdout = write
	_ = program.Run() // the state says it
	if status := program.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGPIPE {
		t.Errorf("it ended with %v, want SIGPIPE", program.ProcessState)
	}
}
