package shutdown

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// reconnect is the rest before the inhibitor is reached again that was lost; the kubelet's figure.
const reconnect = time.Second

// Run holds the machine back, and ends pods when it goes down, until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	var passes sync.WaitGroup
	defer passes.Wait()
	defer m.telling.Wait()
	passes.Go(func() { m.engine.Run(ctx) })
	defer func() { _ = m.release() }() // the process ends, and its lock with it
	told := ""
	for ctx.Err() == nil {
		err := m.listen(ctx)
		if errors.Is(err, ErrNone) {
			m.Log.Info("Pods do not end in good order when this machine goes down: there is no logind that could be asked to wait", "reason", err.Error())
			return
		}
		if err != nil && ctx.Err() == nil && err.Error() != told {
			told = err.Error()
			m.Log.Error(err, "Watching for the machine's shutdown")
		}
		timer := m.Clock.NewTimer(reconnect)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C():
		}
	}
}

// listen holds the machine back until nothing is heard any more.
func (m *Manager) listen(ctx context.Context) error {
	inhibitor, err := m.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = inhibitor.Close() }() // whoever closed it already
	if err := m.raiseDelay(ctx, inhibitor); err != nil {
		return err
	}
	if err := m.inhibit(ctx, inhibitor); err != nil {
		return err
	}
	shutdowns, err := inhibitor.Shutdowns(ctx)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case down, ok := <-shutdowns:
			if !ok {
				return errors.New("the connection to logind was lost")
			}
			if !down { // the next one is held back again
				if err := m.inhibit(ctx, inhibitor); err != nil {
					return err
				}
			}
			m.set(ctx, down)
		}
	}
}

func (m *Manager) inhibit(ctx context.Context, inhibitor Inhibitor) error {
	var lock io.Closer
	lock, err := inhibitor.Inhibit(ctx)
	if err != nil {
		return err
	}
	return m.hold(lock)
}

// raiseDelay sees to it that the machine can be held back for as long as pods may take.
func (m *Manager) raiseDelay(ctx context.Context, inhibitor Inhibitor) error {
	needed := whole(m.Ranges)
	has, err := inhibitor.Delay(ctx)
	if err != nil || has >= needed {
		return err
	}
	if err := inhibitor.RaiseDelay(ctx, needed); err != nil {
		return err
	}
	backoff := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: 5} // the kubelet's figures
	err = wait.ExponentialBackoffWithContext(ctx, backoff, func(ctx context.Context) (bool, error) {
		has, err = inhibitor.Delay(ctx)
		return has >= needed, err
	})
	if wait.Interrupted(err) {
		return fmt.Errorf("logind lets nobody hold a shutdown back for longer than %s, and %s are needed", has, needed)
	}
	return err
}
