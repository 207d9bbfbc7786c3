package wiring

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	typedcoordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/leaderelection"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// lease is the Lease of an election, as client-go's elector knows it. The elector looks at it now and then, and would see only seconds
// later that it has been given up. So whoever reads it while another holds it gets the answer when it is free: when it has been given
// up, or was not renewed for as long as it lasts. Until then it is watched, which also costs fewer requests.
//
// It is used by one goroutine at a time, that of the elector.
type lease struct {
	Election
	resourcelock.Interface
	leases typedcoordinationv1.LeaseInterface

	// led says that this process has held the lease. Then it does not stand by any more, but ends when it loses it.
	led bool
	// seen is the last term of another that was seen, and until is when it runs out, unless it is renewed.
	seen  term
	until time.Time

	standsBy chan struct{} // closed once another has been seen to lead
	tell     sync.Once
}

// term is what changes in a lease when it is taken or renewed.
type term struct {
	holder  string
	renewed int64
}

func termOf(record *resourcelock.LeaderElectionRecord) term {
	return term{record.HolderIdentity, record.RenewTime.UnixMicro()}
}

// open makes the clients of the lease. They are the manager's.
func (l *lease) open(mgr manager.Manager) (err error) {
	l.Interface, err = leaderelection.NewResourceLock(mgr.GetConfig(), mgr, leaderelection.Options{
		LeaderElection: true, LeaderElectionNamespace: l.Namespace, LeaderElectionID: l.Name, RenewDeadline: l.RenewDeadline,
	})
	if err != nil {
		return fmt.Errorf("preparing leader election: %w", err)
	}
	// Those of the lock give a request less time than a watch takes.
	client, err := typedcoordinationv1.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("preparing to watch the lease of leader election: %w", err)
	}
	namespace, _, _ := strings.Cut(l.Describe(), "/") // which may have been that of the pod
	l.leases = client.Leases(namespace)
	return nil
}

// Identity implements resourcelock.Interface.
func (l *lease) Identity() string {
	if l.Holder != "" {
		return l.Holder
	}
	return l.Interface.Identity()
}

// Create implements resourcelock.Interface.
func (l *lease) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	err := l.Interface.Create(ctx, record)
	l.led = l.led || err == nil
	return err
}

// Update implements resourcelock.Interface.
func (l *lease) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	err := l.Interface.Update(ctx, record)
	l.led = l.led || err == nil
	return err
}

// Get implements resourcelock.Interface. While another holds the lease, it waits. An answer that the lease is held says that it could
// not be watched any more, or that somebody else was faster.
func (l *lease) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err != nil || !l.waits(record) {
		return record, raw, err
	}
	l.tell.Do(func() { close(l.standsBy) })
	if !l.awaitEnd(ctx) {
		return record, raw, nil
	}
	// What is read now is what the elector's next write is locked to.
	record, raw, err = l.Interface.Get(ctx)
	if err == nil && l.waits(record) && !time.Now().Before(l.until) {
		record.HolderIdentity = "" // it has run out
	}
	return record, raw, err
}

// waits says whether this process has to wait for another to lose the lease, and notes for how long at most.
func (l *lease) waits(record *resourcelock.LeaderElectionRecord) bool {
	if l.led || record.HolderIdentity == "" || record.HolderIdentity == l.Identity() {
		return false
	}
	if now := termOf(record); now != l.seen {
		l.seen, l.until = now, time.Now().Add(time.Duration(record.LeaseDurationSeconds)*time.Second)
	}
	return true
}

// awaitEnd waits until the term of another has ended; false means that it cannot see that.
func (l *lease) awaitEnd(ctx context.Context) bool {
	changes, err := l.leases.Watch(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", l.Name).String()})
	if err != nil {
		return false // as where the right to is missing; the elector asks again
	}
	defer changes.Stop()
	runsOut := time.NewTimer(time.Until(l.until))
	defer runsOut.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-runsOut.C:
			return true
		case change, ok := <-changes.ResultChan():
			now, isLease := change.Object.(*coordinationv1.Lease)
			if !ok || !isLease {
				return false
			}
			if change.Type == watch.Deleted || !l.waits(resourcelock.LeaseSpecToLeaderElectionRecord(&now.Spec)) {
				return true
			}
			runsOut.Reset(time.Until(l.until))
		}
	}
}
