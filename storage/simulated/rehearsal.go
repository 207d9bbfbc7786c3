package simulated

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Rehearse is the parameter of a class of volumes or snapshots by which what goes wrong with a driver can be rehearsed:
//
//	simulated.orrery.dev/rehearse: gone            nobody answers for the driver
//	simulated.orrery.dev/rehearse: full            there is no space
//	simulated.orrery.dev/rehearse: hangs           the driver does not answer in the time that a call may take
//	simulated.orrery.dev/rehearse: gone for 30s    the same, from when a volume or snapshot is first asked for until that has passed
//
// A driver of real nodes refuses a class with a parameter that it does not know.
const Rehearse = "simulated.orrery.dev/rehearse"

// failures are what can be rehearsed.
var failures = map[string]struct {
	code codes.Code
	says string
}{
	"gone":  {codes.Unavailable, "the driver is gone"},
	"full":  {codes.ResourceExhausted, "there is no space"},
	"hangs": {codes.DeadlineExceeded, "the driver hangs"},
}

// rehearsed is how the making of something fails that a class has rehearsed; nil if it does not, or not any more.
func (c *Controller) rehearsed(ctx context.Context, name string, parameters map[string]string) error {
	value, is := parameters[Rehearse]
	if !is {
		return nil
	}
	what, until, timed := strings.Cut(value, " for ")
	failure, known := failures[strings.TrimSpace(what)]
	var lasts time.Duration
	var err error
	if timed {
		lasts, err = time.ParseDuration(strings.TrimSpace(until))
	}
	if !known || err != nil {
		return status.Errorf(codes.InvalidArgument, "parameter %s is %q: want gone, full or hangs, and how long if not for ever, as in \"gone for 30s\"", Rehearse, value)
	}
	if timed && c.since(name) >= lasts {
		return nil
	}
	if failure.code == codes.DeadlineExceeded {
		<-ctx.Done()
	}
	return status.Error(failure.code, fmt.Sprintf("%s, as parameter %s of the class has it", failure.says, Rehearse))
}

// since is how long ago something was first asked for.
func (c *Controller) since(name string) time.Duration {
	now := time.Now()
	if c.Clock != nil {
		now = c.Clock.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked == nil {
		c.asked = map[string]time.Time{}
	}
	first, before := c.asked[name]
	if !before {
		first = now
		c.asked[name] = now
	}
	return now.Sub(first)
}
