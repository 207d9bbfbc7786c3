package pods

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// setStatus keeps what a pass has found out about its pod, for the next one and for those who ask the node. It is part of
// every plan, and changes nothing outside of the agent.
type setStatus struct {
	status  *corev1.PodStatus
	failure *status.Failure
	// stopping is when the pod was first not to run any more; zero while it is to run.
	stopping time.Time
}

// Verb, String, Why and Idle: it is in no plan that anybody reads.
func (s *setStatus) Verb() string   { return "set" }
func (s *setStatus) String() string { return "keep the status of the pod" }
func (s *setStatus) Why() string    { return "" }
func (s *setStatus) Idle() bool     { return true }

// Do never fails.
func (s *setStatus) Do(_ context.Context, a *actor) error {
	a.remember(func(m *Memory) {
		m.Status = s.status
		if s.failure != nil { // it may have failed meanwhile
			m.Failure = s.failure
		}
		m.Stopping = s.stopping
		maps.DeleteFunc(m.Killing, func(id string, _ Killing) bool { return a.world.instance(id) == nil })
	})
	a.probes.Sync(a.uid(), a.world.targets())
	if frees(a.world.Memory.Status, s.status) {
		a.wakePending()
	}
	return nil
}

// frees says whether containers have something else by a status than by the one before: that may be room for others.
func frees(before, after *corev1.PodStatus) bool {
	if before == nil || after == nil {
		return false
	}
	has := func(s *corev1.PodStatus) (all []*corev1.ResourceRequirements) {
		for _, list := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses} {
			for i := range list {
				all = append(all, list[i].Resources)
			}
		}
		return all
	}
	return !equality.Semantic.DeepEqual(has(before), has(after))
}

func (w *World) instance(id string) *cri.Container {
	for i := range w.Runtime.Containers {
		if w.Runtime.Containers[i].ID == id {
			return &w.Runtime.Containers[i]
		}
	}
	return nil
}

// writeStatus tells the API server. Nothing waits for it but the removal of the pod.
type writeStatus struct {
	status *corev1.PodStatus
	reason
	underWay
}

const statusTask = "write the status"

func (s *writeStatus) Verb() string   { return "status" }
func (s *writeStatus) String() string { return "write the pod's status" }
func (s *writeStatus) Task() string   { return statusTask }

// Do writes the status, and notes that the API server has it unless that has told of another one meanwhile.
func (s *writeStatus) Do(ctx context.Context, a *actor) error {
	if err := a.API.WriteStatus(ctx, a.pod(), s.status); err != nil {
		return fmt.Errorf("writing the status of pod %s: %w", nameOf(a.pod()), err)
	}
	a.change(a.uid(), func(w *worker) {
		if w.written == a.world.Written {
			w.written = s.status
		}
	})
	return nil
}

// summary is what a status comes down to.
func summary(s *corev1.PodStatus) string {
	ready, all := 0, len(s.ContainerStatuses)
	for i := range s.ContainerStatuses {
		if s.ContainerStatuses[i].Ready {
			ready++
		}
	}
	return fmt.Sprintf("%s, %d of %d containers ready", s.Phase, ready, all)
}

// recordEvent records an event once for as long as there is reason for it.
type recordEvent struct {
	container, kind, reason, message string
	// instance tells events apart that are to be recorded again: those about another instance of the container.
	instance string
}

func (s *recordEvent) Verb() string   { return "event" }
func (s *recordEvent) String() string { return "record event " + s.reason + ": " + s.message }
func (s *recordEvent) Why() string    { return "" }
func (s *recordEvent) Idle() bool     { return true }

// Do never fails.
func (s *recordEvent) Do(_ context.Context, a *actor) error {
	if a.turn.First(s.container+" "+s.reason, s.instance+" "+s.message) {
		a.event(s.container, s.kind, s.reason, s.message)
	}
	return nil
}

// deletePod removes the object from the API server.
type deletePod struct{ reason }

func (s *deletePod) Verb() string   { return "delete" }
func (s *deletePod) String() string { return "remove the pod from the API server" }

func (s *deletePod) Do(ctx context.Context, a *actor) error {
	if err := a.API.Delete(ctx, a.pod()); err != nil {
		return fmt.Errorf("removing pod %s: %w", nameOf(a.pod()), err)
	}
	a.remember(func(m *Memory) { m.Deleted = true })
	return nil
}

// forgetPod ends the loop's work for a pod.
type forgetPod struct{ reason }

func (s *forgetPod) Verb() string   { return "forget" }
func (s *forgetPod) String() string { return "remove the logs of the pod, and forget it" }

func (s *forgetPod) Do(_ context.Context, a *actor) error {
	if err := a.Host.RemoveLogs(a.pod()); err != nil {
		return fmt.Errorf("removing the logs of pod %s: %w", nameOf(a.pod()), err)
	}
	a.forget(a.pod())
	return nil
}
