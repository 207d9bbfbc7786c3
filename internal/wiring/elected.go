package wiring

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// MemberElection is how a member of a control plane of ours agrees with the others on which of them runs what goes by the name of a lease:
// by kube-controller-manager's times. A member is one process at a time, which holds its data directory.
func MemberElection(lease, member string) *Election {
	return &Election{
		Namespace: metav1.NamespaceSystem, Name: lease, Holder: member,
		LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
	}
}

// NewElected makes a part of one that is to run only where it leads. It is made when it comes to that, and is of use when it is then, or
// when it stands by.
func NewElected(c Cluster, e *Election, made func() (Part, error)) (*Manager, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	var elects *lease
	mgr, err := NewManager(c, func(o *manager.Options) { elects = e.configure(o) })
	if err != nil {
		return nil, err
	}
	if err := elects.open(mgr); err != nil {
		return nil, err
	}
	mgr.standsBy, mgr.loops, mgr.started = elects.standsBy, 1, make(chan struct{}, 1)
	run := func(ctx context.Context) error {
		part, err := made()
		if err != nil {
			return err
		}
		return Run(ctx, part, func() { mgr.started <- struct{}{} })
	}
	if err := mgr.Add(manager.RunnableFunc(run)); err != nil {
		return nil, fmt.Errorf("adding to a manager what is to run where it leads: %w", err)
	}
	return mgr, nil
}
