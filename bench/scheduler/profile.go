package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	_ "net/http/pprof" // profiles of memory and goroutines, at a child's debugging address
	"os"
	"path/filepath"
	"runtime/pprof"
)

// At cpuPath a child says how much CPU time it has used, in seconds; at the other paths it starts and ends a CPU profile
// of itself, where pprof's own handler takes one of a time that is known beforehand.
const (
	cpuPath      = "/cpu"
	startProfile = "/profile/start"
	endProfile   = "/profile/end"
)

func handleDebugging() {
	http.HandleFunc(cpuPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, cpuTime()) })
	var profile bytes.Buffer
	http.HandleFunc(startProfile, func(w http.ResponseWriter, _ *http.Request) {
		profile.Reset()
		if err := pprof.StartCPUProfile(&profile); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	})
	http.HandleFunc(endProfile, func(w http.ResponseWriter, _ *http.Request) {
		pprof.StopCPUProfile()
		_, _ = w.Write(profile.Bytes())
	})
}

// profile starts CPU profiles of both processes, if they are wanted. The returned function ends and writes them, and
// profiles of their allocations.
func (g *stage) profile(ctx context.Context) (end func() error, err error) {
	if g.settings.profiles == "" {
		return func() error { return nil }, nil
	}
	children := map[string]*child{roleServer: g.server, "scheduler": g.scheduler}
	for _, c := range children {
		if _, err := c.get(ctx, startProfile); err != nil {
			return nil, err
		}
	}
	return func() error {
		var errs []error
		for of, c := range children {
			errs = append(errs, g.save(ctx, c, endProfile, of, "cpu"), g.save(ctx, c, "/debug/pprof/allocs", of, "allocs"))
		}
		return errors.Join(errs...)
	}, nil
}

func (g *stage) save(ctx context.Context, c *child, path, of, kind string) error {
	profile, err := c.get(ctx, path)
	if err != nil {
		return err
	}
	return os.WriteFile(g.settings.profilePath(g.workload, g.contender, of, kind), profile, 0o644)
}

// profilePath is where a profile is written.
func (s settings) profilePath(w workload, contender, of, kind string) string {
	return filepath.Join(s.profiles, fmt.Sprintf("%s-%s-%s.%s.pprof", w.name, contender, of, kind))
}
