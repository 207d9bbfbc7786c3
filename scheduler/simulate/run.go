package simulate

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/scheduler"
	"github.com/orrery-dev/orrery/scheduler/explain"
)

// Outcome is what would happen. Its JSON is stable: fields may be added.
type Outcome struct {
	// Pods are those that were asked about, in the order in which the scheduler would decide on them; those that it would
	// not place come last.
	Pods []Placement `json:"pods"`
	// Others are pods of the cluster that wait for a node and would get one now.
	Others []Placement `json:"others,omitempty"`
}

// Placed is how many of the pods would get a node.
func (o *Outcome) Placed() int {
	placed := 0
	for _, pod := range o.Pods {
		if pod.Node != "" {
			placed++
		}
	}
	return placed
}

// Placement is what would become of a pod.
type Placement struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Owner is the workload in the file that the pod is of, as "Deployment/web". Empty for a pod that stands for itself.
	Owner string `json:"owner,omitempty"`
	// From is the removed node that the pod was on. Empty for a new pod.
	From string `json:"from,omitempty"`
	// Node is where it would go; "" means nowhere, and Message says why in the words of the FailedScheduling event.
	Node    string `json:"node,omitempty"`
	Message string `json:"message,omitempty"`
	// Preempts are the pods that would be evicted to make room, as "namespace/name".
	Preempts []string `json:"preempts,omitempty"`
	// Explanation says more about a pod that would go nowhere. It is of the cluster as it is then, and the same for pods of
	// one owner.
	Explanation *explain.Explanation `json:"explanation,omitempty"`
}

// Pod is a pod to be simulated. Owner and From are those of its Placement.
type Pod struct {
	*corev1.Pod
	Owner, From string
}

// Run creates the pods, lets the scheduler decide until it has nothing more to do, and returns what it did. It can be
// called once.
func (w *Simulation) Run(ctx context.Context, all []Pod) (*Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, pod := range all {
		if err := w.AddPod(ctx, pod.Pod); err != nil {
			return nil, err
		}
	}
	scheduling, stop := context.WithCancel(ctx)
	defer stop()
	running, err := w.start(ctx, func(s *scheduler.Scheduler) error { return s.Run(scheduling) })
	if err != nil {
		return nil, err
	}
	if err := w.known(running.scheduler, all); err != nil {
		return nil, errors.Join(err, running.scheduler.Close())
	}
	if err := w.waitUntilIdle(ctx, running, all); err != nil {
		return nil, err
	}
	stop()
	if err := <-running.ended; err != nil {
		return nil, err
	}
	outcome, err := w.outcome(ctx, running.scheduler, all)
	if err != nil {
		return nil, err
	}
	return outcome, w.explainRefused(ctx, running.scheduler, outcome)
}

// AddPod creates a pod, which may be on a node already. It gets the defaults that scheduling depends on.
func (w *Simulation) AddPod(ctx context.Context, pod *corev1.Pod) error {
	if err := w.admit(ctx, pod); err != nil {
		return err
	}
	return w.add(ctx, pods, "Pod", pod)
}

// known checks that each pod is one that the scheduler cares for.
func (w *Simulation) known(s *scheduler.Scheduler, all []Pod) error {
	for _, pod := range all {
		if !s.Schedules(pod.Pod) {
			return fmt.Errorf("pod %s/%s: spec.schedulerName is %q, and the configuration has no profile of that name",
				pod.Namespace, pod.Name, pod.Spec.SchedulerName)
		}
	}
	return nil
}

// How often a simulation is looked at, and how often in a row nothing may have moved before it is over: once each pod is
// decided on, and otherwise. A pod that is held back, as one whose group is not complete, is never decided on.
const (
	lookEvery    = 5 * time.Millisecond
	quietDecided = 20
	quietAnyway  = 400
)

// waitUntilIdle waits until the scheduler has nothing more to do: nothing is queued or under way, nothing moves any more,
// and each pod is decided on or has had its time.
func (w *Simulation) waitUntilIdle(ctx context.Context, running *running, all []Pod) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	quiet, version := 0, int64(0)
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("simulating: %w; %v", ctx.Err(), running.scheduler.Pending())
		case err := <-running.ended:
			return errors.Join(errors.New("simulating: the scheduler ended before it was done"), err)
		case <-ticker.C:
		}
		if err := w.replica.Err(); err != nil {
			return err
		}
		counts, now := running.scheduler.Pending(), w.replica.Version()
		if counts.Active+counts.Backoff+counts.InFlight > 0 || now != version {
			quiet, version = 0, now
			continue
		}
		if quiet++; quiet < quietDecided {
			continue
		}
		if decided, err := w.decided(ctx, all); err != nil || decided || quiet >= quietAnyway {
			return err
		}
	}
}

// decided reports whether each pod has a node, or was refused for good, or is held back.
func (w *Simulation) decided(ctx context.Context, all []Pod) (bool, error) {
	for _, pod := range all {
		object, err := w.replica.Get(ctx, pods, types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
		if apierrors.IsNotFound(err) {
			continue // It was preempted.
		}
		if err != nil {
			return false, fmt.Errorf("reading pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		current, err := typed(object)
		if err != nil {
			return false, err
		}
		if current.Spec.NodeName == "" && len(current.Spec.SchedulingGates) == 0 && refused(current) == nil {
			return false, nil
		}
	}
	return true, nil
}

// refused returns the condition that says why a pod has no node, or nil.
func refused(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c
		}
	}
	return nil
}
