package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/apiserver/upstream"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
)

// upstreamCommands are upstream's own programs. kubectl speaks to this machine's instance, unless KUBECONFIG or --kubeconfig
// says otherwise.
func upstreamCommands(t *target) []*cobra.Command {
	commands := upstream.Commands()
	for _, c := range commands {
		if c.Name() == "kubectl" {
			c.PreRunE = func(_ *cobra.Command, args []string) error { return preferInstance(t, args) }
		}
	}
	return commands
}

func preferInstance(t *target, args []string) error {
	if os.Getenv(clientcmd.RecommendedConfigPathEnvVar) != "" {
		return nil
	}
	inst, err := t.instance()
	if err != nil {
		return err
	}
	if _, err := os.Stat(inst.Kubeconfig()); err == nil {
		return os.Setenv(clientcmd.RecommendedConfigPathEnvVar, inst.Kubeconfig())
	}
	if !knowsCluster(args) {
		// kubectl would only say that nobody listens on localhost:8080. What it does without a cluster it still does.
		fmt.Fprintln(os.Stderr, "orrery: no cluster is known: start one with 'orrery up', or name one with KUBECONFIG or --kubeconfig")
	}
	return nil
}

// knowsCluster reports whether kubectl's own rules lead it to a cluster.
func knowsCluster(args []string) bool {
	if slices.ContainsFunc(args, func(arg string) bool {
		return arg == "-s" || strings.HasPrefix(arg, "--server") || strings.HasPrefix(arg, "--kubeconfig")
	}) {
		return true
	}
	_, err := os.Stat(clientcmd.RecommendedHomeFile)
	return err == nil || os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}
