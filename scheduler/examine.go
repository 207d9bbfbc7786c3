package scheduler

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"github.com/orrery-dev/orrery/scheduler/explain"
)

// Observe watches the cluster until it is known as it is now, and schedules nothing. It is for a Scheduler that does not
// run, and has to be called before Examine. What it started ends with ctx.
func (s *Scheduler) Observe(ctx context.Context) error {
	ctx = klog.NewContext(ctx, *s.options.Logger)
	failed := make(chan error, 1)
	if s.own {
		go func() { failed <- s.options.Cluster.Start(ctx) }()
	}
	known := make(chan error, 1)
	go func() { known <- s.watch(ctx) }()
	var err error
	select {
	case err = <-known:
	case err = <-failed:
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return fmt.Errorf("observing the cluster: %w", err)
	}
	return nil
}

// Examine says of every node what every plugin says of a pod there, and how those that fit are scored. The pod must not
// be counted on a node. A pod of another scheduler's name is an error. It changes nothing and decides nothing.
func (s *Scheduler) Examine(ctx context.Context, pod *corev1.Pod) (*explain.Explanation, error) {
	profile, known := s.profiles[pod.Spec.SchedulerName]
	if !known {
		return nil, fmt.Errorf("examining pod %s: its spec.schedulerName is %q, and there is no profile of that name",
			klog.KObj(pod), pod.Spec.SchedulerName)
	}
	s.cache.Update(s.cycle.Snapshot)
	return explain.Examine(klog.NewContext(ctx, *s.options.Logger), profile, pod, s.cycle.Snapshot.Nodes())
}

// Schedules reports whether a pod's spec.schedulerName is one of the profiles.
func (s *Scheduler) Schedules(pod *corev1.Pod) bool {
	_, known := s.profiles[pod.Spec.SchedulerName]
	return known
}
