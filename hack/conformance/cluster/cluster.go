// Package cluster starts a control plane whose nodes run real containers, `orrery up --real-nodes 2`, and removes it again.
//
// It promises that the instance has a name and a directory of its own, and meets no other; and that Remove leaves nothing of it: no
// object, image, container, mount or network.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/orrery-dev/orrery/hack/conformance/process"
)

// Name is the instance's.
const Name = "conformance"

// families are ranges of both IP families: what pods and Services have where there is nobody to choose.
var families = []string{"--cluster-cidr", "10.235.0.0/16,fd00:10:235::/48", "--service-cluster-ip-range", "10.236.0.0/16,fd00:10:236::/112"}

// Cluster is one instance.
type Cluster struct {
	// Orrery is the program.
	Orrery string
	// Dir is the directory that holds the instance's.
	Dir string
	// DualStack gives pods and Services addresses of both IP families; without it they have IPv4's.
	DualStack bool
	// Manifests is a directory from which static pods are run. It is made, and emptied; with it there is one node, and without it there
	// are two, neither of which has static pods.
	Manifests string
	// Say tells what is being done.
	Say func(format string, args ...any)
}

// Kubeconfig says how to reach it.
func (c Cluster) Kubeconfig() string { return filepath.Join(c.Dir, Name, "kubeconfig") }

// Up starts it with nothing in it but the images of an archive.
func (c Cluster) Up(ctx context.Context, archive string) error {
	if err := c.Remove(ctx); err != nil { // what a run that was killed has left
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	flags, err := c.flags()
	if err != nil {
		return err
	}
	c.Say("starting instance %s below %s", Name, c.Dir)
	if err := c.orrery(ctx, append([]string{"up"}, flags...)...); err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	c.Say("loading the images")
	if err := c.orrery(ctx, "image", "load", archive); err != nil {
		return fmt.Errorf("loading the images: %w", err)
	}
	return nil
}

// flags are what `orrery up` has to be told.
func (c Cluster) flags() ([]string, error) {
	flags := []string{"--real-nodes", "2"} // some tests want two that pods go to
	if c.Manifests != "" {
		if err := errors.Join(os.RemoveAll(c.Manifests), os.MkdirAll(c.Manifests, 0o755)); err != nil {
			return nil, err
		}
		manifests, err := filepath.Abs(c.Manifests)
		if err != nil {
			return nil, err
		}
		file := filepath.Join(c.Dir, "kubelet.yaml")
		const configuration = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: %q\n"
		if err := os.WriteFile(file, fmt.Appendf(nil, configuration, manifests), 0o600); err != nil {
			return nil, err
		}
		flags = []string{"--real-nodes", "1", "--node-config", file}
	}
	if c.DualStack {
		flags = append(flags, families...)
	}
	return flags, nil
}

// Access is how programs that cannot read a kubeconfig reach the API server: its address, and a token of somebody who may do everything.
func (c Cluster) Access(ctx context.Context) (server, token string, err error) {
	const account = "upstream-tests"
	for _, step := range [][]string{
		{"create", "serviceaccount", account, "--namespace", "kube-system"},
		{"create", "clusterrolebinding", account, "--clusterrole", "cluster-admin", "--serviceaccount", "kube-system:" + account},
	} {
		if err := c.orrery(ctx, append([]string{"kubectl"}, step...)...); err != nil {
			return "", "", fmt.Errorf("making an account for the tests: %w", err)
		}
	}
	if server, err = c.kubectl(ctx, "config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}"); err != nil {
		return "", "", fmt.Errorf("asking for the API server's address: %w", err)
	}
	if token, err = c.kubectl(ctx, "create", "token", account, "--namespace", "kube-system", "--duration", "8h"); err != nil {
		return "", "", fmt.Errorf("asking for a token: %w", err)
	}
	return server, token, nil
}

// Node is the name of the first node.
func (c Cluster) Node(ctx context.Context) (string, error) {
	name, err := c.kubectl(ctx, "get", "nodes", "--output", "jsonpath={.items[0].metadata.name}")
	if err != nil {
		return "", fmt.Errorf("asking for the node's name: %w", err)
	}
	return name, nil
}

// Address is that of a node which runs containers, on this machine: what is served there, all of them reach.
func (c Cluster) Address(ctx context.Context) (string, error) {
	address, err := c.kubectl(ctx, "get", "nodes", "--output", `jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}`)
	if err != nil {
		return "", fmt.Errorf("asking for the node's address: %w", err)
	}
	first, _, _ := strings.Cut(address, " ") // IPv4's, where it has one of each family
	if net.ParseIP(first) == nil {
		return "", fmt.Errorf("asking for the node's address: the answer is %q", address)
	}
	return first, nil
}

// Commit is that of what the program was built from; "-dirty" behind it says that this was changed.
func (c Cluster) Commit(ctx context.Context) (string, error) {
	said, err := output(ctx, []string{c.Orrery, "version"})
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", c.Orrery, err)
	}
	line, _, _ := strings.Cut(said, "\n")
	fields := strings.Fields(line) // orrery VERSION COMMIT
	if len(fields) != 3 {
		return "", fmt.Errorf("asking %s for its version: it names no commit: %q: build it with make", c.Orrery, line)
	}
	commit, dirty := strings.CutSuffix(fields[2], "-dirty")
	commit = commit[:min(10, len(commit))]
	if dirty {
		commit += "-dirty"
	}
	return commit, nil
}

// Registries is the directory in which the nodes look for how registries are reached.
func (c Cluster) Registries() string { return filepath.Join(c.Dir, Name, "registries") }

// Remove stops it, and removes all of it.
func (c Cluster) Remove(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(c.Dir, Name)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	c.Say("removing instance %s", Name)
	stopped := c.orrery(ctx, "down")
	if err := c.orrery(ctx, "reset", "--yes"); err != nil {
		return fmt.Errorf("removing the control plane: %w", errors.Join(err, stopped))
	}
	return nil
}

func (c Cluster) orrery(ctx context.Context, args ...string) error {
	return process.Command{Args: c.command(args...)}.Run(ctx)
}

// kubectl is what kubectl says.
func (c Cluster) kubectl(ctx context.Context, args ...string) (string, error) {
	return output(ctx, c.command(append([]string{"kubectl"}, args...)...))
}

// output is what a program writes, without the space around it.
func output(ctx context.Context, args []string) (string, error) {
	var out strings.Builder
	err := process.Command{Args: args, Output: &out}.Run(ctx)
	said := strings.TrimSpace(out.String())
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return said, nil
}

func (c Cluster) command(args ...string) []string {
	return append([]string{c.Orrery, "--data-dir", c.Dir, "--name", Name}, args...)
}
