package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// look is how often the cluster is asked: the resolution of the figures.
	look = 20 * time.Millisecond
	// patience bounds each wait.
	patience = 5 * time.Minute
)

// plane is a control plane that is being measured.
type plane struct {
	dir        string
	started    time.Time
	kubeconfig string // the path of an administrator's, once it is written
	client     *kubernetes.Clientset

	mutex  sync.Mutex
	began  []int          // the processes that were started
	undo   []func() error // what ends and removes it, the last first
	failed error          // why it cannot go on
}

func newPlane() (*plane, error) {
	dir, err := os.MkdirTemp("", "orrery-bench-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	p := &plane{dir: dir, started: time.Now()}
	p.later(func() error { return os.RemoveAll(dir) })
	return p, nil
}

// later adds what is done when the control plane is removed, before what was added earlier.
func (p *plane) later(undo func() error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.undo = append(p.undo, undo)
}

// remove ends the control plane, and removes all that it made.
func (p *plane) remove() error {
	p.mutex.Lock()
	undo := slices.Clone(p.undo)
	p.mutex.Unlock()
	var errs []error
	for _, f := range slices.Backward(undo) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// begin starts a program, which writes its log into the directory, and is interrupted when the control plane is removed.
func (p *plane) begin(name, program string, args ...string) error {
	log, err := os.Create(p.log(name))
	if err != nil {
		return fmt.Errorf("making a log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	p.count(command.Process.Pid)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.fail(fmt.Errorf("%s has ended: %s", name, endOf(command)))
	}()
	p.later(func() error {
		if err := command.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("ending %s: %w", name, err)
		}
		<-ended
		return nil
	})
	return nil
}

// endOf waits for the end of a program, and says how it ended.
func endOf(command *exec.Cmd) string {
	if err := command.Wait(); err != nil {
		return err.Error()
	}
	return "by itself"
}

// count counts a process and its descendants as the control plane's.
func (p *plane) count(pid int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.began = append(p.began, pid)
}

func (p *plane) pids() []int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return slices.Clone(p.began)
}

// fail says why what is waited for will never be. The first reason counts.
func (p *plane) fail(err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.failed == nil {
		p.failed = err
	}
}

func (p *plane) failure() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.failed
}

func (p *plane) log(name string) string { return filepath.Join(p.dir, name+".log") }

// untilReady connects as soon as there is a way to, and waits for /readyz.
func (p *plane) untilReady(ctx context.Context) (time.Duration, error) {
	return p.until(ctx, p.started, "/readyz", p.isReady)
}

func (p *plane) isReady(ctx context.Context) (bool, error) {
	if p.client == nil {
		config, err := clientcmd.BuildConfigFromFlags("", p.kubeconfig)
		if err != nil {
			return false, nil //nolint:nilerr // it is not written yet
		}
		if p.client, err = unlimited(config); err != nil {
			return false, err
		}
	}
	status := 0
	p.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status)
	return status == http.StatusOK, nil
}

func unlimited(config *rest.Config) (*kubernetes.Clientset, error) {
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

// until waits for a condition, and says how long it took since a moment.
func (p *plane) until(ctx context.Context, since time.Time, what string, met func(context.Context) (bool, error)) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		switch ok, err := met(ctx); {
		case err != nil:
			return 0, err
		case ok:
			return time.Since(since), nil
		}
		err := p.failure()
		if err == nil {
			err = pause(ctx, look)
		}
		if err != nil {
			return 0, fmt.Errorf("waiting for %s: %w%s", what, err, p.said())
		}
	}
}

// said is the end of each log.
func (p *plane) said() (all string) {
	logs, _ := filepath.Glob(p.log("*")) // the pattern is right
	for _, log := range logs {
		text, _ := os.ReadFile(log) // what it said helps, if it said anything
		all += fmt.Sprintf("\n--- %s\n%s", filepath.Base(log), text[max(0, len(text)-2000):])
	}
	return all
}
