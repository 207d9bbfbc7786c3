package cli

import (
	"os"

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
			c.PreRunE = func(*cobra.Command, []string) error { return preferInstance(t) }
		}
	}
	return commands
}

func preferInstance(t *target) error {
	if os.Getenv(clientcmd.RecommendedConfigPathEnvVar) != "" {
		return nil
	}
	inst, err := t.instance()
	if err != nil {
		return err
	}
	if _, err := os.Stat(inst.Kubeconfig()); err != nil {
		return nil //nolint:nilerr // there is no instance: kubectl's own rules say which cluster is meant
	}
	return os.Setenv(clientcmd.RecommendedConfigPathEnvVar, inst.Kubeconfig())
}
