package scheduler

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// errLostLead ends Run when another scheduler has taken over.
var errLostLead = errors.New("leader election lost: another scheduler has taken over")

// Run schedules pods until ctx ends, which is no error. It can be called once.
func (s *Scheduler) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	defer s.options.Activity.Ask(s.placing)()
	ctx = klog.NewContext(ctx, *s.options.Logger)
	group, ctx := errgroup.WithContext(ctx)
	if s.own {
		group.Go(func() error { return s.options.Cluster.Start(ctx) })
	}
	group.Go(func() error {
		if err := s.watch(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		s.places.Store(true)
		return s.lead(ctx)
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("running the scheduler: %w", err)
	}
	return nil
}

// lead schedules as soon as this scheduler is the one that may.
func (s *Scheduler) lead(ctx context.Context) error {
	election := s.config.LeaderElection
	if !*election.LeaderElect {
		return s.schedule(ctx)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("naming the candidate for leader election: %w", err)
	}
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: election.ResourceNamespace, Name: election.ResourceName},
		Client:     s.clients.Set.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())},
	}
	var leading sync.WaitGroup
	var failed error
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   election.LeaseDuration.Duration,
		RenewDeadline:   election.RenewDeadline.Duration,
		RetryPeriod:     election.RetryPeriod.Duration,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				leading.Add(1)
				defer leading.Done()
				failed = s.schedule(ctx)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("setting up leader election: %w", err)
	}
	elector.Run(ctx) // Returns when ctx ends or the lead is lost, and ends the context of schedule.
	leading.Wait()
	if ctx.Err() == nil {
		return errors.Join(errLostLead, failed)
	}
	return failed
}

func (s *Scheduler) schedule(ctx context.Context) error {
	if err := s.events.StartRecordingToSinkWithContext(ctx); err != nil {
		return fmt.Errorf("starting to record events: %w", err)
	}
	defer s.events.Shutdown()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { s.queue.Run(ctx); return nil })
	group.Go(func() error { s.cycle.Run(ctx); return nil })
	group.Go(func() error { s.cleanUpAssumedPods(ctx); return nil })
	group.Go(func() error { s.eventSink.Run(ctx); return nil })
	group.Go(func() error { s.statuses.Run(ctx); return nil })
	<-ctx.Done()
	s.queue.Close()
	return group.Wait()
}

// busy reports whether there is a pod to be placed, or whether the API server is at work on bindings.
func (s *Scheduler) busy() bool { return s.queue.Busy() || s.binder.Busy() }

// placing is what keeps it busy, in words; empty if it has no pod to try before something happens or time passes.
func (s *Scheduler) placing() string {
	switch {
	case !s.places.Load():
		return "the scheduler, which begins"
	case s.queue.Idle():
		return ""
	}
	return "the scheduler, with " + s.queue.Count().String()
}

// cleanUpAssumedPods gives up assumed pods that have expired, and counts what is in the cache.
func (s *Scheduler) cleanUpAssumedPods(ctx context.Context) {
	ticker := s.options.Clock.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		for _, pod := range s.cache.Expire(s.options.Clock.Now()) {
			s.options.Logger.Info("Pod was bound but never shown on its node, and is not counted there any more",
				"pod", klog.KObj(pod), "node", pod.Spec.NodeName)
			s.queue.Move(assignedPodDeleted, pod, nil, nil)
		}
		nodes, pods, assumed := s.cache.Size()
		metrics.CacheSize.WithLabelValues("nodes").Set(float64(nodes))
		metrics.CacheSize.WithLabelValues("pods").Set(float64(pods))
		metrics.CacheSize.WithLabelValues("assumed_pods").Set(float64(assumed))
	}
}
