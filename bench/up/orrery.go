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
	return p.begin("orrery", s.orrery, args("up", "--foreground", "--runtime", runtime)...)
}
