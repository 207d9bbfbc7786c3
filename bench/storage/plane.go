package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// plane is the control plane that is measured.
type plane struct {
	*kubernetes.Clientset
	program, dir string
}

const name = "bench-storage"

// start starts a control plane in a directory of its own.
func start(ctx context.Context, s settings) (*plane, error) {
	dir, err := os.MkdirTemp("", "orrery-bench-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	p := &plane{program: s.orrery, dir: dir}
	if err := p.orrery(ctx, "up", "--runtime", s.runtime); err != nil {
		return nil, errors.Join(err, p.remove())
	}
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, name, "kubeconfig"))
	if err == nil {
		config.QPS = -1
		p.Clientset, err = kubernetes.NewForConfig(config)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting: %w", err), p.remove())
	}
	return p, nil
}

// remove ends the control plane, and removes all that it made. It does so also when the run was called off.
func (p *plane) remove() error {
	ctx := context.Background()
	return errors.Join(p.orrery(ctx, "down"), p.orrery(ctx, "reset", "--yes"), os.RemoveAll(p.dir))
}

func (p *plane) orrery(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, p.program, args...)
	command.Env = append(os.Environ(), "ORRERY_DATA_DIR="+p.dir, "ORRERY_NAME="+name, "KUBECONFIG=")
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("orrery %s: %w: %s", args[0], err, said)
	}
	return nil
}
