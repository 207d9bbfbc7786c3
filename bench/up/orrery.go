package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// startOrrery starts a control plane of ours.
func startOrrery(_ context.Context, p *plane, runtime string, s settings) error {
	args := func(command string, more ...string) []string {
		return append([]string{command, "--data-dir", p.dir, "--name", "bench"}, more...)
	}
	p.later(func() error {
		if out, err := exec.Command(s.orrery, args("reset", "--yes")...).CombinedOutput(); err != nil {
			return fmt.Errorf("resetting: %w: %s", err, out)
		}
		return nil
	})
	p.kubeconfig = filepath.Join(p.dir, "bench", "kubeconfig")
	up := args("up", "--foreground", "--runtime", runtime)
	if runtime == containerdRuntime {
		up = append(up, "--runtime-bin", s.runtimeBin)
	}
	return p.begin("orrery", s.orrery, up...)
}
