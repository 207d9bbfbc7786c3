package wiring

import (
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Election is how several managers agree on which of them acts: by a Lease. The others stand by.
//
// A manager that is stopped ends its loops first and gives the lease up last; while a pass goes on, it is held. Those that stand by
// watch the lease, so that one of them leads as soon as it is given up. One that loses the lease ends with an error. There is no fence: for a moment two managers may believe that they
// lead, as when one is asleep for longer than the lease lasts. Locked patches and preconditions keep them from undoing each
// other's work; but each may make or remove what the other does too, until it sees that.
type Election struct {
	// Namespace and Name are those of the Lease. An empty namespace is that of the pod that this runs in.
	Namespace, Name string
	// Holder is who this process is among those that want the lease. One that was killed and comes back by its own name has the lease at
	// once; so no two processes may have one at a time. Empty means a name that nobody else ever has.
	Holder string
	// LeaseDuration is how long the others wait for a leader that has not renewed the lease.
	LeaseDuration time.Duration
	// RenewDeadline is how long the leader tries to renew it before it gives up.
	RenewDeadline time.Duration
	// RetryPeriod is how long all of them wait between tries. Those that stand by wait up to 2.2 times as long for one that failed, or
	// where the lease cannot be watched.
	RetryPeriod time.Duration
}

// jitter is by how much of a period client-go's elector stretches the waits of those that stand by.
const jitter = 1.2

// check says what is wrong with the times, as the elector would when it is too late to tell whose fault it is.
func (e Election) check() error {
	switch {
	case e.RetryPeriod <= 0:
		return fmt.Errorf("the retry period of leader election is %s: want more than 0", e.RetryPeriod)
	case float64(e.RenewDeadline) <= jitter*float64(e.RetryPeriod):
		return fmt.Errorf("the renew deadline of leader election is %s: want more than %g times the retry period, which is %s", e.RenewDeadline, jitter, e.RetryPeriod)
	case e.LeaseDuration <= e.RenewDeadline:
		return fmt.Errorf("the lease duration of leader election is %s: want more than the renew deadline, which is %s", e.LeaseDuration, e.RenewDeadline)
	default:
		return nil
	}
}

// configure has a manager run its loops only while it holds the lease, which is to be opened before it starts.
func (e Election) configure(o *manager.Options) *lease {
	l := &lease{Election: e, standsBy: make(chan struct{})}
	o.LeaderElection, o.LeaderElectionResourceLockInterface = true, l
	o.LeaseDuration, o.RenewDeadline, o.RetryPeriod = &e.LeaseDuration, &e.RenewDeadline, &e.RetryPeriod
	o.LeaderElectionReleaseOnCancel = true
	// A manager that gives up waiting for its loops would release the lease while one of them may still write.
	forever := time.Duration(-1)
	o.GracefulShutdownTimeout = &forever
	return l
}
