package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/orrery-dev/orrery/bench/internal/access"
	"github.com/orrery-dev/orrery/bench/internal/child"
	"github.com/orrery-dev/orrery/bench/internal/progress"
)

// stage is one run of one workload: a server, a client of it, and most of the time a scheduler.
type stage struct {
	settings  settings
	workload  workload
	contender string
	dir       string
	server    *child.Child
	access    serverReply
	scheduler *child.Child
	client    *kubernetes.Clientset
	say       *progress.Progress
	memory    int64 // the most that a scheduler of this run has used
}

// measureEndToEnd runs a workload with one scheduler on an API server of its own.
func measureEndToEnd(ctx context.Context, s settings, w workload, contender string) (f figures, err error) {
	dir, err := os.MkdirTemp("", "bench-scheduler-")
	if err != nil {
		return f, fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	g := &stage{settings: s, workload: w, contender: contender, dir: dir, say: progress.New(w.name + " · " + contender)}
	defer g.say.End()
	g.say.Phase("starting an API server")
	if g.server, err = child.Start(ctx, dir, roleServer, serverOrder{Dir: dir, Gates: w.gates}, &g.access); err != nil {
		return f, err
	}
	defer func() {
		memory, stopErr := g.server.Stop()
		f.ServerMemory = memory
		err = errors.Join(err, stopErr)
	}()
	defer func() { err = errors.Join(err, g.dismiss()) }() // a scheduler that is still there after an error
	if g.client, err = kubernetes.NewForConfig(access.InProtobuf(g.access.Admin.Config())); err != nil {
		return f, fmt.Errorf("building a client: %w", err)
	}
	if err := g.prepare(ctx); err != nil {
		return f, err
	}
	if f, err = g.measure(ctx); err != nil {
		return f, err
	}
	if err := g.dismiss(); err != nil {
		return f, err
	}
	f.Memory = g.memory
	return f, g.check(ctx)
}

// prepare creates everything but the measured pods, and has the earlier ones scheduled.
func (g *stage) prepare(ctx context.Context) error {
	for _, name := range []string{earlier, measured} {
		if err := g.createNamespace(ctx, name); err != nil {
			return err
		}
	}
	if err := g.createNodes(ctx); err != nil {
		return err
	}
	if err := g.hire(ctx); err != nil {
		return err
	}
	total := 0
	for _, b := range g.workload.before {
		total += b.pods
	}
	seen, err := g.watchBound(ctx, earlier, total)
	if err != nil {
		return err
	}
	g.say.Phase(fmt.Sprintf("%d pods before", total))
	from := 0
	for _, b := range g.workload.before {
		if err := g.createPods(ctx, earlier, b, from, seen); err != nil {
			return err
		}
		from += b.pods
	}
	if err := seen.wait(ctx, g.settings.timeout, g.say); err != nil {
		return err
	}
	if err := g.createGroups(ctx); err != nil {
		return err
	}
	if g.settings.create == "during" {
		return nil
	}
	return g.dismiss()
}

// measure has the measured pods scheduled and takes the figures.
func (g *stage) measure(ctx context.Context) (f figures, err error) {
	n := g.workload.measured.pods
	seen, err := g.watchBound(ctx, measured, n)
	if err != nil {
		return f, err
	}
	if g.workload.preempts {
		if err := g.watchPreempted(ctx, earlier, seen); err != nil {
			return f, err
		}
	}
	if g.scheduler == nil {
		g.say.Phase(fmt.Sprintf("creating %d pods", n))
		if err := g.createPods(ctx, measured, g.workload.measured, 0, seen); err != nil {
			return f, err
		}
	}
	before, err := g.scrape(ctx)
	if err != nil {
		return f, err
	}
	if g.scheduler == nil {
		if err := g.hire(ctx); err != nil {
			return f, err
		}
	}
	endProfiles, err := g.profile(ctx)
	if err != nil {
		return f, err
	}
	endChurn := g.startChurn(ctx)
	g.say.Phase(fmt.Sprintf("%d measured pods", n))
	start := time.Now()
	if g.settings.create == "during" {
		if err := g.createPods(ctx, measured, g.workload.measured, 0, seen); err != nil {
			return f, errors.Join(err, endChurn())
		}
	}
	err = seen.wait(ctx, g.settings.timeout, g.say)
	if err = errors.Join(err, endChurn(), endProfiles()); err != nil {
		return f, err
	}
	after, err := g.scrape(ctx)
	if err != nil {
		return f, err
	}
	f.Pods = n
	f.times(seen, start)
	f.costs(before, after)
	f.Latency, err = g.oneByOne(ctx)
	return f, err
}

// oneByOne measures how long a pod takes from the request that creates it to the watch that shows it bound, when the
// scheduler has nothing else to do.
func (g *stage) oneByOne(ctx context.Context) (spreadOf, error) {
	n := min(100, g.workload.measured.pods/10)
	if g.workload.gang > 0 || g.workload.fills || n == 0 {
		return spreadOf{}, nil
	}
	g.say.Phase(fmt.Sprintf("%d pods one by one", n))
	if err := g.createNamespace(ctx, single); err != nil {
		return spreadOf{}, err
	}
	seen, err := g.watchBound(ctx, single, n)
	if err != nil {
		return spreadOf{}, err
	}
	one := g.workload.measured
	one.pods = 1
	latencies := make([]float64, n)
	for i := range latencies {
		if err := g.createPods(ctx, single, one, i, seen); err != nil {
			return spreadOf{}, err
		}
		if err := seen.waitForOne(ctx, g.settings.timeout); err != nil {
			return spreadOf{}, err
		}
		latencies[i] = seen.bound[i].Sub(seen.sent[i]).Seconds()
	}
	return percentiles(latencies), nil
}

// hire starts the scheduler.
func (g *stage) hire(ctx context.Context) (err error) {
	g.say.Phase("starting the scheduler")
	order := schedulerOrder{Server: g.access.Worker, Gates: g.workload.gates}
	g.scheduler, err = child.Start(ctx, g.dir, g.contender, order, new(schedulerReply))
	return err
}

// dismiss stops the scheduler, if there is one.
func (g *stage) dismiss() error {
	if g.scheduler == nil {
		return nil
	}
	memory, err := g.scheduler.Stop()
	g.memory = max(g.memory, memory)
	g.scheduler = nil
	return err
}
