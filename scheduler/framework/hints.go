package framework

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Hint is one event that may make a pod schedulable which a plugin has refused, and the function that tells whether it
// really may.
type Hint struct {
	Plugin string
	Event  fwk.ClusterEvent
	// Function is never nil.
	Function fwk.QueueingHintFn
}

// What stands among the plugins that refused a pod where none did.
const (
	// ExtenderName stands for the extenders.
	ExtenderName = "Extender"
	// NoNodes stands for there being no nodes to ask plugins about.
	NoNodes = "NoNodes"
)

// Hints returns the events that the profile's plugins want to hear of. A plugin that can refuse a pod and names no events
// hears of all pods and nodes; extenders hear of everything, and a pod that found no nodes hears of nodes.
func (f *Framework) Hints(ctx context.Context) ([]Hint, error) {
	nodes := fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.Update}
	hints := []Hint{{Plugin: NoNodes, Event: nodes, Function: always}}
	if len(f.env.Extenders) > 0 {
		everything := fwk.ClusterEvent{Resource: fwk.WildCard, ActionType: fwk.All}
		hints = append(hints, Hint{Plugin: ExtenderName, Event: everything, Function: always})
	}
	for _, name := range Enabled(f.profile.Plugins) {
		plugin := f.plugins[name]
		if !refuses(plugin) {
			continue
		}
		events, err := eventsOf(ctx, plugin)
		if err != nil {
			return nil, fmt.Errorf("asking plugin %q for its events: %w", name, err)
		}
		for _, event := range events {
			hint := Hint{Plugin: name, Event: event.Event, Function: event.QueueingHintFn}
			if hint.Function == nil {
				hint.Function = always
			}
			hints = append(hints, hint)
		}
	}
	return hints, nil
}

// refuses reports whether a pod can wait for the plugin. What other points refuse is tried again without an event.
func refuses(plugin fwk.Plugin) bool {
	switch plugin.(type) {
	case fwk.PreEnqueuePlugin, fwk.PreFilterPlugin, fwk.FilterPlugin, fwk.ReservePlugin, fwk.PermitPlugin:
		return true
	}
	return false
}

func eventsOf(ctx context.Context, plugin fwk.Plugin) (events []fwk.ClusterEventWithHint, err error) {
	extension, ok := plugin.(fwk.EnqueueExtensions)
	if !ok {
		return []fwk.ClusterEventWithHint{
			{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.All}},
			{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.All}},
		}, nil
	}
	status := call(ctx, (*CycleState)(nil), hintsEvents, plugin, func() *fwk.Status {
		events, err = extension.EventsToRegister(ctx)
		return fwk.AsStatus(err)
	})
	return events, status.AsError()
}

func always(klog.Logger, *corev1.Pod, any, any) (fwk.QueueingHint, error) { return fwk.Queue, nil }

// EventObjects gives the two objects of an event their type. Either may be nil: old when something was added, new when
// it was deleted.
func EventObjects[T any](old, new any) (oldTyped, newTyped T, err error) {
	if unknown, ok := old.(cache.DeletedFinalStateUnknown); ok {
		old = unknown.Obj
	}
	for _, each := range []struct {
		from any
		to   *T
	}{{old, &oldTyped}, {new, &newTyped}} {
		if each.from == nil {
			continue
		}
		typed, ok := each.from.(T)
		if !ok {
			return oldTyped, newTyped, fmt.Errorf("reading an event: expected a %T, got a %T", *each.to, each.from)
		}
		*each.to = typed
	}
	return oldTyped, newTyped, nil
}
