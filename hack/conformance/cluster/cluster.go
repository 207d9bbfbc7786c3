// Package cluster starts a control plane with two nodes that run real containers, `orrery up --real-nodes 2`, and removes it again.
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

// nodes is how many real nodes it has: some tests want two that pods go to.
const nodes = "2"

// Cluster is one instance.
type Cluster struct {
	// Orrery is the program.
	Orrery string
	// Dir is the directory that holds the instance's.
	Dir string
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
	c.Say("starting instance %s below %s", Name, c.Dir)
	if err := c.orrery(ctx, "up", "--real-nodes", nodes); err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	c.Say("loading the images")
	if err := c.orrery(ctx, "image", "load", archive); err != nil {
		return fmt.Errorf("loading the images: %w", err)
	}
	return nil
}

// Address is that of a node which runs containers, on this machine: what is served there, all of them reach.
func (c Cluster) Address(ctx context.Context) (string, error) {
	var out strings.Builder
	get := process.Command{Args: c.command("kubectl", "get", "nodes", "-o", `jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}`), Output: &out}
	if err := get.Run(ctx); err != nil {
		return "", fmt.Errorf("asking for the node's address: %w: %s", err, out.String())
	}
	if net.ParseIP(out.String()) == nil {
		return "", fmt.Errorf("asking for the node's address: the answer is %q", out.String())
	}
	return out.String(), nil
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

func (c Cluster) command(args ...string) []string {
	return append([]string{c.Orrery, "--data-dir", c.Dir, "--name", Name}, args...)
}
