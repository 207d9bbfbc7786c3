package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/snapshot"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/durable"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
)

func newSnapshotKubectl(t *target) *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl FILE ARGUMENT...",
		Short: "Ask a snapshot with kubectl, as if it ran",
		Long: `Ask a snapshot with kubectl: what was in it, and what has changed since. An API server is
started on a copy, in a moment and for that command alone; no controller runs there, and
the control plane, if there is one, is not touched.`,
		Example: `  orrery snapshot kubectl FILE get deployments -A
  orrery snapshot kubectl FILE get configmap/game -n shop -o yaml
  orrery kubectl get deploy/web -o yaml | orrery snapshot kubectl FILE diff -f -`,
		Args:               cobra.MinimumNArgs(2),
		DisableFlagParsing: true, // they are kubectl's
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "-h" || args[0] == "--help" {
				return c.Help()
			}
			inst, err := t.instance()
			if err != nil {
				return err
			}
			return askSnapshot(c, inst, args[0], args[1:])
		},
	}
}

// askSnapshot runs kubectl on an API server that has a copy of a snapshot.
func askSnapshot(c *cobra.Command, inst *instance.Instance, file string, args []string) (err error) {
	dir, err := os.MkdirTemp("", "orrery-snapshot-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := serveSnapshot(c.Context(), inst, file, filepath.Join(dir, "copy"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	kubeconfig, err := server.Kubeconfig(identity.Admin, "snapshot")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "kubeconfig")
	if err := durable.WriteFile(path, kubeconfig, 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	kubectl := exec.CommandContext(c.Context(), self, append([]string{"kubectl"}, args...)...)
	kubectl.Env = append(os.Environ(), clientcmd.RecommendedConfigPathEnvVar+"="+path)
	kubectl.Stdin, kubectl.Stdout, kubectl.Stderr = c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()
	return kubectl.Run()
}

// serveSnapshot starts an API server on a copy of a snapshot. One without keys is used with those of the instance.
func serveSnapshot(ctx context.Context, inst *instance.Instance, file, dir string) (*apiserver.Server, error) {
	s, err := snapshot.Restore(file, dir, storePath)
	if err != nil {
		return nil, err
	}
	if !s.WithKeys {
		if err := hasKeys(inst); err != nil {
			return nil, fmt.Errorf("%s was taken without keys, and instance %s has not all of them: %w", file, inst.Name, err)
		}
		if err := copyKeys(inst, dir); err != nil {
			return nil, err
		}
	}
	content, err := os.ReadFile(filepath.Join(dir, settingsKey))
	if err != nil {
		return nil, err
	}
	var settings instance.Settings
	if err := json.Unmarshal(content, &settings); err != nil {
		return nil, fmt.Errorf("reading the settings in %s: %w", file, err)
	}
	server, err := apiserver.Start(ctx, apiserver.Options{
		DataDir:        filepath.Join(dir, serverName),
		Ephemeral:      true,
		ServiceCIDR:    commaed(settings.Addresses.ServiceCIDRs()),
		ClusterDomain:  settings.Domain,
		TwoNames:       true,
		EncryptSecrets: true,
		Logger:         logr.Discard(),
	})
	if err != nil {
		return nil, err
	}
	if err := server.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}
