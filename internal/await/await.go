// Package await waits in tests for what will be so soon, and never sleeps.
//
// It promises to look at once and then often, at first very often, to end the test when the deadline has passed, and to say then what was seen last.
// A test that passes does not wait for the deadline, so that there is one for all tests, which leaves room for a machine that
// is busy.
package await

import (
	"context"
	"fmt"
	"testing"
	"time"
)

const (
	// Deadline is how long the world has to become what a test waits for.
	Deadline = 3 * time.Minute
	// soon is how long after the first look the second one is; each pause is twice the one before, until they are seldom.
	soon, seldom = 10 * time.Millisecond, 160 * time.Millisecond
)

// Until looks until look is content, and fails the test at the deadline with what it saw last. What is waited for is a noun:
// "3 available replicas", "the pod to be gone".
func Until(t testing.TB, what string, look func() (seen string, ok bool)) {
	t.Helper()
	if seen, ok := until(t, Deadline, look); !ok {
		t.Fatalf("waited %s for %s; last seen: %s", Deadline, what, seen)
	}
}

// Success tries until there is no error, and fails the test at the deadline with the last one. What is waited for is a sentence:
// "the pod is gone".
func Success(t testing.TB, what string, try func() error) {
	t.Helper()
	seen, ok := until(t, Deadline, func() (string, bool) {
		err := try()
		return fmt.Sprint(err), err == nil
	})
	if !ok {
		t.Fatalf("waited %s until %s; last seen: %s", Deadline, what, seen)
	}
}

// until looks until look is content or the time is over, also while the test cleans up after itself.
func until(t testing.TB, patience time.Duration, look func() (seen string, ok bool)) (seen string, ok bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	pause := soon
	again := time.NewTicker(pause)
	defer again.Stop()
	for {
		if seen, ok = look(); ok {
			return seen, true
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return seen, false
		}
		pause = min(2*pause, seldom)
		again.Reset(pause)
	}
}
