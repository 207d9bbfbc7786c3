package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/apiserver/upstream"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
)

// upstreamCommands are upstream's own programs. kubectl speaks to this machine's instance, unless KUBECONFIG or --kubeconfig
// says otherwise.
func upstreamCommands(t *target) []*cobra.Command {
	commands := upstream.Commands()
	for _, c := range commands {
		if c.Name() == "kubectl" {
			c.PreRunE = func(c *cobra.Command, args []string) error { return preferInstance(c.Context(), t, args) }
		}
	}
	return commands
}

// preferInstance lets kubectl speak to the instance. What it would say in many lines, or only after minutes, of one that does not run
// or answer is said in one, at once; what it does without a cluster it does anyway.
func preferInstance(ctx context.Context, t *target, args []string) error {
	if os.Getenv(clientcmd.RecommendedConfigPathEnvVar) != "" || namesCluster(args) {
		return nil
	}
	inst, err := t.instance()
	if err != nil {
		return err
	}
	if _, err := os.Stat(inst.Kubeconfig()); err != nil {
		if knowsCluster() || needsNoCluster(args) {
			return nil
		}
		return fmt.Errorf("no cluster is known: start one with '%s', or name one with KUBECONFIG or --kubeconfig", inst.Command("up"))
	}
	if err := os.Setenv(clientcmd.RecommendedConfigPathEnvVar, inst.Kubeconfig()); err != nil || needsNoCluster(args) {
		return err
	}
	if !inst.Running() {
		return notRunning(inst)
	}
	status, err := inst.Status(ctx)
	if err != nil {
		return err
	}
	return servesAPI(inst, status)
}

// servesAPI says why the API server of a running instance cannot be used, if it cannot.
func servesAPI(inst *instance.Instance, status instance.Status) error {
	for _, c := range status.Components {
		if c.Name == apiserverComponent && c.State != instance.Running {
			return fmt.Errorf("the API server of instance %s is %s (last error: %s): wait for it with '%s', or see '%s'",
				inst.Name, strings.ToLower(string(c.State)), orDash(c.LastError), inst.Command("up"), inst.Command("status"))
		}
	}
	return nil
}

// namesCluster reports whether kubectl's arguments say which cluster they mean.
func namesCluster(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		flag, _, _ := strings.Cut(arg, "=")
		return slices.Contains([]string{"-s", "--server", "--kubeconfig"}, flag)
	})
}

// knowsCluster reports whether kubectl's own rules lead it to a cluster.
func knowsCluster() bool {
	_, err := os.Stat(clientcmd.RecommendedHomeFile)
	return err == nil || os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}

// clusterless are kubectl's commands that never ask a cluster.
var clusterless = []string{"completion", "config", "help", "kuberc", "kustomize", "options", "plugin", "__complete", "__completeNoDesc"}

// withoutCluster are flags with which its other commands do not, either.
var withoutCluster = []string{"-h", "--help", "--client", "--client=true", "--local", "--local=true", "--dry-run=client"}

// needsNoCluster reports whether kubectl has something to do where there is no cluster. Plugins are left to find out themselves.
func needsNoCluster(args []string) bool {
	command := slices.IndexFunc(args, func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	if command < 0 || slices.Contains(clusterless, args[command]) {
		return true
	}
	if slices.ContainsFunc(args, func(arg string) bool { return slices.Contains(withoutCluster, arg) }) {
		return true
	}
	_, err := exec.LookPath("kubectl-" + args[command])
	return err == nil
}
