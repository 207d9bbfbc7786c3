package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

const posting = "kubelet is posting ready status"

func TestARuntimeThatHangsMakesItsNodeNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		c.start()
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "at first", corev1.ConditionTrue, posting)

		answer := c.runtimes[0].Hang()
		time.Sleep(19 * time.Second) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "while the runtime may be slow", corev1.ConditionTrue, posting)
		time.Sleep(31 * time.Second) //nolint:forbidigo // the time of this bubble passes by itself
		for passed := time.Duration(0); passed < time.Hour; passed += time.Minute {
			when := fmt.Sprintf("after %s without an answer", passed+50*time.Second)
			c.wantReady(0, when, corev1.ConditionFalse, "container runtime is down: no answer since 2000-01-01T00:00:5")
			c.wantLease(0, when)
			if age := time.Since(c.ready(0).LastHeartbeatTime.Time); age > statusReportFrequency+2*statusUpdateFrequency {
				t.Errorf("%s the status was not written for %s", when, age)
			}
			time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		}
		for _, part := range []string{
			"the container runtime did not answer within 10s",
			"PLEG is not healthy: the container runtime has not listed its pods since 2000-01-01T00:00:5",
			"the container runtime did not answer within 2m0s",
		} {
			if said := c.ready(0).Message; !strings.Contains(said, part) {
				t.Errorf("the reason is %q, want in it %q", said, part)
			}
		}

		answer()
		time.Sleep(2 * statusUpdateFrequency) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "when the runtime answers again", corev1.ConditionTrue, posting)
	})
}

// networkless is a runtime whose pods have no network for its first seconds.
type networkless struct {
	*simulated.Runtime
	until time.Time
}

func (r networkless) Status(ctx context.Context, verbose bool) (*runtimeapi.StatusResponse, error) {
	if time.Now().Before(r.until) {
		return &runtimeapi.StatusResponse{Status: runtimeStatus(true, false)}, nil
	}
	return r.Runtime.Status(ctx, verbose)
}

func TestANodeThatComesUpIsReadyAsSoonAsItsNetworkIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		c.nodes[0].Runtime = cri.WithDeadlines(networkless{c.runtimes[0], time.Now().Add(2 * time.Second)}, cri.DefaultDeadlines())
		c.start()
		time.Sleep(time.Second) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "while there is no network", corev1.ConditionFalse, "container runtime network not ready")
		time.Sleep(time.Second + comingUpFrequency + time.Millisecond) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "when there is one", corev1.ConditionTrue, posting)
	})
}

// stuck is a runtime that tells its status and nothing else.
type stuck struct{ *simulated.Runtime }

func (stuck) Status(ctx context.Context, verbose bool) (*runtimeapi.StatusResponse, error) {
	return simulated.New(simulated.Options{}).Status(ctx, verbose)
}

func TestARuntimeThatOnlyTellsItsStatusIsNotEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		c.nodes[0].Runtime = cri.WithDeadlines(stuck{c.runtimes[0]}, cri.DefaultDeadlines())
		answer := c.runtimes[0].Hang()
		c.start()
		time.Sleep(2 * time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "while it may be slow", corev1.ConditionTrue, posting)
		time.Sleep(2 * time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "then", corev1.ConditionFalse, "PLEG is not healthy: the container runtime has not listed its pods since 2000-01-01T00:00:00Z")
		c.wantLease(0, "then")
		answer()
		time.Sleep(2 * statusUpdateFrequency) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "when it lists them", corev1.ConditionTrue, posting)
	})
}

func TestARuntimeThatIsAwayForAMomentMakesNoDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		c.start()
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		for range 10 {
			c.runtimes[0].Break(errors.New("connection refused"))
			time.Sleep(15 * time.Second) //nolint:forbidigo // the time of this bubble passes by itself
			c.wantReady(0, "after 15 s", corev1.ConditionTrue, posting)
			c.runtimes[0].Break(nil)
			time.Sleep(15 * time.Second) //nolint:forbidigo // the time of this bubble passes by itself
		}
		if at := c.ready(0).LastTransitionTime; time.Since(at.Time) < 5*time.Minute {
			t.Errorf("the node was not ready until %s", at)
		}
		c.runtimes[0].Break(errors.New("connection refused"))
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "after a minute", corev1.ConditionFalse, "container runtime is down: no answer since 2000-01-01T00:05:5")
		if said := c.ready(0).Message; !strings.HasSuffix(said, "connection refused") {
			t.Errorf("the reason is %q", said)
		}
	})
}

func TestANodeWhoseRuntimeNeverAnsweredIsRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		answer := c.runtimes[0].Hang()
		c.start()
		time.Sleep(checkPatience + time.Second) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "at first", corev1.ConditionFalse, "container runtime status check may not have completed yet")
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "then", corev1.ConditionFalse, "container runtime is down: no answer since 2000-01-01T00:00:00Z: the container runtime did not answer within 10s")
		c.wantLease(0, "then")
		answer()
		time.Sleep(2 * statusUpdateFrequency) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "in the end", corev1.ConditionTrue, posting)
	})
}

func TestNodesDoNotWaitForTheRuntimesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3*workers)
		c.start()
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		for i := range 2 * workers {
			c.runtimes[i].Hang()
		}
		for range 5 {
			time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
			for i := range c.nodes {
				status, message := corev1.ConditionTrue, posting
				if i < 2*workers {
					status, message = corev1.ConditionFalse, "container runtime is down"
				}
				c.wantReady(i, "beside nodes whose runtimes hang", status, message)
				c.wantLease(i, "beside nodes whose runtimes hang")
			}
		}
	})
}

func TestLeasesDoNotWaitForStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2*workers)
		c.start()
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		c.runtimes[0].Break(errors.New("gone"))
		for range 5 {
			c.silence("status")
			time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
			for i := range c.nodes {
				c.wantLease(i, "while no status can be written")
			}
		}
		c.wantReady(0, "while no status can be written", corev1.ConditionTrue, posting)
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "when it can be written again", corev1.ConditionFalse, "container runtime is down")

		c.silence("lease")
		c.runtimes[0].Break(nil)
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantReady(0, "while no lease can be written", corev1.ConditionTrue, posting)
		time.Sleep(time.Minute) //nolint:forbidigo // the time of this bubble passes by itself
		c.wantLease(0, "when it can be written again")
	})
}
