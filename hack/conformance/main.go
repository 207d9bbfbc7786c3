package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

// settings are the command's flags.
type settings struct {
	suiteName  string
	choice     tests.Choice
	procs      int
	timeout    time.Duration
	root, dir  string
	kubeconfig string
	keep       bool
	list, page bool
}

func main() {
	var s settings
	flag.StringVar(&s.suiteName, "suite", tests.Conformance, "run the tests of this `suite`: "+strings.Join(tests.Names(), ", "))
	flag.StringVar(&s.choice.Groups, "sig", "", "run the tests of these special interest `groups` only, separated by commas: apps,node")
	flag.StringVar(&s.choice.Focus, "focus", "", "run the tests only whose names match this regular `expression`")
	flag.StringVar(&s.choice.Skip, "skip", "", "leave out the tests whose names match this regular `expression`")
	flag.IntVar(&s.procs, "procs", 6, "how many tests run at once; they mostly wait")
	flag.DurationVar(&s.timeout, "timeout", 2*time.Hour, "how long the tests that run together may take, and those that run alone")
	flag.StringVar(&s.root, "root", ".", "root of the repository, where bin/orrery is")
	flag.StringVar(&s.dir, "dir", "bin/conformance", "`directory` for what is built, and for results")
	flag.StringVar(&s.kubeconfig, "kubeconfig", "", "run against the cluster of this `file`, whose nodes have the images, start none, and record nothing")
	flag.BoolVar(&s.keep, "keep", false, "leave the instance running at the end")
	flag.BoolVar(&s.list, "list", false, "list the tests, and run none")
	flag.BoolVar(&s.page, "page", false, "write docs/conformance.md from the records and reasons.txt, and run nothing")
	flag.Usage = usage
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

func usage() {
	out := flag.CommandLine.Output()
	fmt.Fprint(out, `conformance runs Kubernetes' own tests against 'orrery up' with real containers.

  conformance                                    # all conformance tests
  conformance -focus 'Deployment.*roll'          # some of them
  conformance -suite netpol                      # another suite
  conformance -suite storage -list               # its tests

`)
	flag.PrintDefaults()
}

// say tells what is being done.
func say(format string, args ...any) {
	fmt.Printf("conformance: "+format+"\n", args...)
}

// under is a path in the repository.
func (s settings) under(parts ...string) string {
	return filepath.Join(append([]string{s.root}, parts...)...)
}
