package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// contender is one of those that are compared.
type contender struct {
	start   func(ctx context.Context, p *plane, runtime string, s settings) error
	program string
}

func (c contender) name() string { return filepath.Base(c.program) }

// figures are what was measured of one control plane. What is zero could not be measured.
type figures struct {
	binary     uint64        // the size of its program, in bytes
	ready      time.Duration // from process start to /readyz
	firstPod   time.Duration // from process start to the first Running pod
	replicas   time.Duration // from creating a Deployment to all of its pods Ready
	cpu        float64       // of one core at rest
	rest       memory        // at rest
	afterwards memory        // at rest again, after pods have come and gone
}

// measure takes the figures of one control plane. With an error it has those that could be taken.
func (c contender) measure(ctx context.Context, runtime string, s settings) (f figures, err error) {
	info, err := os.Stat(c.program)
	if err != nil {
		return f, err
	}
	f.binary = uint64(info.Size())
	p, err := newPlane()
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.remove()) }()
	if err := c.start(ctx, p, runtime, s); err != nil {
		return f, err
	}
	if f.ready, err = p.untilReady(ctx); err != nil {
		return f, err
	}
	if f.firstPod, err = p.untilFirstPod(ctx); err != nil {
		return f, err
	}
	if err := f.atRest(ctx, p, s.idle); err != nil {
		return f, err
	}
	if f.replicas, err = p.comeAndGo(ctx, s.replicas, s.churn); err != nil {
		return f, err
	}
	if err := pause(ctx, s.idle); err != nil {
		return f, err
	}
	f.afterwards, err = p.memory()
	return f, err
}

// atRest takes the figures of a control plane that has nothing to do.
func (f *figures) atRest(ctx context.Context, p *plane, idle time.Duration) error {
	if err := pause(ctx, idle); err != nil {
		return err
	}
	before, err := p.cpuTime()
	if err != nil {
		return err
	}
	if err := pause(ctx, idle); err != nil {
		return err
	}
	after, err := p.cpuTime()
	if err != nil {
		return err
	}
	f.cpu = (after - before).Seconds() / idle.Seconds()
	if f.rest, err = p.memory(); err != nil {
		return fmt.Errorf("measuring memory: %w", err)
	}
	return nil
}

// pause lets time pass, which is what is being measured.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
