package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// settings are the command's flags.
type settings struct {
	sig, focus string
	procs      int
	timeout    time.Duration
	root, dir  string
	kubeconfig string
	keep       bool
	list, page bool
}

func main() {
	var s settings
	flag.StringVar(&s.sig, "sig", "", "run the tests of these special interest `groups` only, separated by commas: apps,node")
	flag.StringVar(&s.focus, "focus", "", "run the tests only whose names match this regular `expression`")
	flag.IntVar(&s.procs, "procs", 6, "how many tests run at once; they mostly wait")
	flag.DurationVar(&s.timeout, "timeout", 2*time.Hour, "how long the tests that run together may take, and those that run alone")
	flag.StringVar(&s.root, "root", ".", "root of the repository, where bin/orrery is")
	flag.StringVar(&s.dir, "dir", "bin/conformance", "`directory` for what is built, and for results")
	flag.StringVar(&s.kubeconfig, "kubeconfig", "", "run against the cluster of this `file`, whose nodes have the images, and start none")
	flag.BoolVar(&s.keep, "keep", false, "leave the instance running at the end")
	flag.BoolVar(&s.list, "list", false, "list the tests, and do nothing")
	flag.BoolVar(&s.page, "page", false, "write docs/conformance.md from what it says and reasons.txt, and run nothing")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for the instance's removal
	err := run(ctx, s)
	stop()
	switch {
	case errors.Is(err, errTestsFail):
		os.Exit(1)
	case errors.Is(err, context.Canceled):
		say("interrupted")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "conformance: error:", err)
		os.Exit(1)
	}
}

// say tells what is being done.
func say(format string, args ...any) {
	fmt.Printf("conformance: "+format+"\n", args...)
}

// under is a path in the repository.
func (s settings) under(parts ...string) string {
	return filepath.Join(append([]string{s.root}, parts...)...)
}
