package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/orrery-dev/orrery/bench/internal/child"
)

// profile starts CPU profiles of both processes, if they are wanted. The returned function ends and writes them, and
// profiles of their allocations and heaps.
func (g *stage) profile(ctx context.Context) (end func() error, err error) {
	if g.settings.profiles == "" {
		return func() error { return nil }, nil
	}
	var ends []func() error
	for of, c := range map[string]*child.Child{roleServer: g.server, "scheduler": g.scheduler} {
		write, err := c.Profile(ctx)
		if err != nil {
			return nil, err
		}
		ends = append(ends, func() error { return write(g.settings.profilePath(g.workload, g.contender, of)) })
	}
	return func() error {
		var errs []error
		for _, end := range ends {
			errs = append(errs, end())
		}
		return errors.Join(errs...)
	}, nil
}

// profilePath is what the paths of profiles begin with.
func (s settings) profilePath(w workload, contender, of string) string {
	return filepath.Join(s.profiles, fmt.Sprintf("%s-%s-%s", w.name, contender, of))
}
