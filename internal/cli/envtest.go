package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orrery-dev/orrery/internal/cli/assets"
)

// exitError is how a program ended that the command was to run. It has said itself what there was to say.
type exitError struct{ *exec.ExitError }

// arguments are those of the command, whatever name it was called by: a link to the program that has the name of one of upstream's is that
// one.
func arguments(args []string) []string {
	if name := filepath.Base(args[0]); slices.Contains(assets.Programs(), name) {
		return append([]string{name}, args[1:]...)
	}
	return args[1:]
}

func newEnvtest() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "envtest [flags] -- COMMAND [ARG...]",
		Short: "Run other people's test suites, with an API server and etcd from this program",
		Long: `Run a command in whose environment the envtest package of controller-runtime finds
etcd, kube-apiserver and kubectl: they are this program. Nothing is downloaded, and
no suite has to be changed. In a project of kubebuilder's, 'make test' asks
setup-envtest for them, which is answered as well.

The environment says so by KUBEBUILDER_ASSETS, by TEST_ASSET_ETCD and its like, and
by ENVTEST, the variable by which such a Makefile calls setup-envtest. A suite that
sets DownloadBinaryAssets downloads all the same.

With --assets DIR the programs are left in a directory, for an editor or a CI file
to name, and a command is not needed.`,
		Example: `  orrery envtest -- make test
  orrery envtest -- go test ./...
  export KUBEBUILDER_ASSETS=$(orrery envtest --assets bin/k8s)`,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case dir != "" && len(args) == 0:
				at, err := installAssets(dir)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(c.OutOrStdout(), at)
				return err
			case len(args) == 0:
				return errors.New("which tests to run is not said: give a command, as in 'orrery envtest -- go test ./...', or --assets DIR")
			default:
				return runWithAssets(c.Context(), dir, args)
			}
		},
	}
	c.Flags().StringVar(&dir, "assets", "", "`directory` to leave the programs in; without it they go when the command ends")
	c.Flags().SetInterspersed(false)
	return c
}

// installAssets puts the programs into a directory.
func installAssets(dir string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	return assets.Install(dir, program)
}

// runWithAssets runs a command that finds the programs in a directory; one of its own, if dir is empty.
func runWithAssets(ctx context.Context, dir string, args []string) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "orrery-envtest-"); err != nil {
			return fmt.Errorf("making a directory for the programs: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if dir, err = installAssets(dir); err != nil {
		return err
	}
	// It gets the terminal's signals itself, and is to end in its own time.
	program := exec.CommandContext(context.WithoutCancel(ctx), args[0], args[1:]...)
	program.Stdin, program.Stdout, program.Stderr = os.Stdin, os.Stdout, os.Stderr
	program.Env = assets.Environment(os.Environ(), dir)
	if err := program.Start(); err != nil {
		return fmt.Errorf("running %s: %w", strings.Join(args, " "), err)
	}
	stop := context.AfterFunc(ctx, func() { _ = program.Process.Signal(os.Interrupt) }) // it may have ended
	defer stop()
	err = program.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exitError{exit}
	}
	return err
}
