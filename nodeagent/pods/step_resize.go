package pods

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// allocateResize accepts what the pod's spec asks for, and keeps that.
type allocateResize struct{ reason }

func (s *allocateResize) Verb() string   { return "allocate" }
func (s *allocateResize) String() string { return "allocate what its spec asks for" }

// Do accepts it if there still is room: another pod may have been given it since the plan was made.
func (s *allocateResize) Do(_ context.Context, a *actor) error {
	pod, err := a.Loop.allocate(a.uid())
	if err != nil {
		return fmt.Errorf("allocating the resize of pod %s: %w", nameOf(a.pod()), err)
	}
	if pod != nil {
		a.event("", corev1.EventTypeNormal, "ResizeStarted", resizeMessage("Pod resize started", pod, pod.Generation, ""))
	}
	return nil
}

// resizePod makes the calls that give the pod what it was allocated.
type resizePod struct {
	calls []change
	// lowered are memory limits that get smaller, by container ID; that of the pod's group by "".
	lowered map[string]int64
	reason
}

func (s *resizePod) Verb() string { return "resize" }
func (s *resizePod) String() string {
	words := make([]string, 0, len(s.calls))
	for _, call := range s.calls {
		words = append(words, call.String())
	}
	return "resize " + strings.Join(words, "; ")
}

// Do never fails: what went wrong is remembered and told, and the plan says when that is tried again. What was done until then is kept.
func (s *resizePod) Do(ctx context.Context, a *actor) error {
	first := a.world.checkpoint()
	err := s.check(ctx, a)
	if err == nil {
		err = s.make(ctx, a, first)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the agent ends; the next one goes on
	}
	message := ""
	if err != nil {
		message = err.Error()
	}
	told := message == ""
	a.remember(func(m *Memory) {
		told = told || m.ResizeFailed.Message == message
		m.ResizeFailed = ResizeFailure{message, a.Clock.Now()}
	})
	if !told {
		a.event("", corev1.EventTypeWarning, "ResizeError", resizeMessage("Pod resize error", a.pod(), first.Generation, message))
	}
	return nil
}

// make makes the calls. It keeps of each that it was begun before it is made, and that it was made before the next one: an agent that is
// killed leaves no change that the next one does not know of.
func (s *resizePod) make(ctx context.Context, a *actor, first *checkpoint) error {
	made := func(*checkpoint) {}
	for _, call := range s.calls {
		err := a.Loop.keep(a.pod(), first, func(kept *checkpoint) {
			made(kept)
			call.begin(kept)
		})
		if err == nil {
			err = s.call(ctx, a, call)
		}
		if err != nil {
			return err // what was made is kept, unless that was what failed: then it is begun still
		}
		made = call.note
	}
	return a.Loop.keep(a.pod(), first, made)
}

func (s *resizePod) call(ctx context.Context, a *actor, call change) error {
	if call.id == "" {
		return a.Host.LimitGroup(a.pod(), call.group)
	}
	resources := &runtimeapi.ContainerResources{Linux: a.Host.Resources(a.pod(), call.amounts)}
	if err := a.Runtime.UpdateContainerResources(ctx, call.id, resources); err != nil {
		return fmt.Errorf("resizing container %s: %w", call.container, err)
	}
	return nil
}

// begin keeps that the call is about to be made.
func (c change) begin(kept *checkpoint) {
	kept.Begun = &c.id
	if c.id == "" {
		kept.Group = largerGroup(kept.Group, c.group)
		return
	}
	put(&kept.Containers, c.id, larger(c.before, c.amounts))
}

// note keeps that the call was made.
func (c change) note(kept *checkpoint) {
	kept.Begun = nil
	if c.id == "" {
		kept.Group = c.group
		return
	}
	put(&kept.Containers, c.id, c.amounts)
}

// check refuses to make a memory limit smaller than what is used: the kernel would end processes for that.
func (s *resizePod) check(ctx context.Context, a *actor) error {
	if len(s.lowered) == 0 {
		return nil
	}
	var wrong []error
	if limit, lowered := s.lowered[""]; lowered {
		used, err := a.Host.MemoryUsage(a.pod())
		if err != nil {
			return err
		}
		if used >= limit {
			wrong = append(wrong, fmt.Errorf("attempting to set pod memory limit (%d) below current usage (%d)", limit, used))
		}
	}
	stats, err := a.Runtime.ListContainerStats(ctx, &runtimeapi.ContainerStatsFilter{
		LabelSelector: map[string]string{cri.LabelPodUID: string(a.uid()), cri.LabelAgent: a.Agent},
	})
	if err != nil {
		return fmt.Errorf("reading what the containers of pod %s use: %w", nameOf(a.pod()), err)
	}
	for _, of := range stats {
		used := int64(of.GetMemory().GetUsageBytes().GetValue())
		if limit, lowered := s.lowered[of.GetAttributes().GetId()]; lowered && used >= limit {
			wrong = append(wrong, fmt.Errorf("attempting to set container %q memory limit (%d) below current usage (%d)",
				of.GetAttributes().GetMetadata().GetName(), limit, used))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("cannot decrease memory limits: %w", utilerrors.NewAggregate(wrong))
	}
	return nil
}

// noteRestart keeps that a container is stopped to be started again, so that it is, however it ends.
type noteRestart struct {
	id, name string
	reason
}

func (s *noteRestart) Verb() string { return "keep" }
func (s *noteRestart) String() string {
	return "keep that container " + s.name + " is to be started again"
}

func (s *noteRestart) Do(_ context.Context, a *actor) error {
	return a.Loop.keep(a.pod(), a.world.checkpoint(), func(kept *checkpoint) { kept.Restarts = append(kept.Restarts, s.id) })
}

// finishResize tells that the pod has what it was allocated.
type finishResize struct{ reason }

func (s *finishResize) Verb() string   { return "finish" }
func (s *finishResize) String() string { return "finish the resize" }

// Do also forgets about containers that are not there any more, and lets others have what this pod gave back.
func (s *finishResize) Do(_ context.Context, a *actor) error {
	first := a.world.checkpoint()
	generation := first.Generation
	err := a.Loop.keep(a.pod(), first, func(kept *checkpoint) {
		if kept.Generation == generation { // and no other one was accepted meanwhile
			kept.Generation = 0
		}
		kept.Begun = nil // of a container that does not run any more
		maps.DeleteFunc(kept.Containers, func(id string, _ Amounts) bool { return a.world.instance(id) == nil })
		kept.Restarts = slices.DeleteFunc(kept.Restarts, func(id string) bool { return a.world.instance(id) == nil })
	})
	if err != nil {
		return err
	}
	a.remember(func(m *Memory) { m.ResizeFailed = ResizeFailure{} })
	a.event("", corev1.EventTypeNormal, "ResizeCompleted", resizeMessage("Pod resize completed", a.pod(), generation, ""))
	return nil
}
