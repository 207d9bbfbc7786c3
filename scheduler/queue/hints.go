package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// hintIndex finds the hints for an event.
type hintIndex struct {
	byProfile map[string][]framework.Hint
	matched   map[profileEvent][]framework.Hint
}

type profileEvent struct {
	profile string
	event   fwk.ClusterEvent
}

func newHintIndex(hints map[string][]framework.Hint) hintIndex {
	return hintIndex{byProfile: hints, matched: map[profileEvent][]framework.Hint{}}
}

// matching returns the hints of a profile that an event is for. There are few different events, so they are remembered.
func (h hintIndex) matching(profile string, event fwk.ClusterEvent) []framework.Hint {
	key := profileEvent{profile, event}
	hints, known := h.matched[key]
	if !known {
		for _, hint := range h.byProfile[profile] {
			if framework.Matches(hint.Event, event) {
				hints = append(hints, hint)
			}
		}
		h.matched[key] = hints
	}
	return hints
}

// interesting reports whether an event can mean something to any pod.
func (h hintIndex) interesting(event fwk.ClusterEvent) bool {
	if framework.IsWildCard(event) || len(h.byProfile) == 0 {
		return true
	}
	for profile := range h.byProfile {
		if len(h.matching(profile, event)) > 0 {
			return true
		}
	}
	return false
}

// concern reports whether one of the plugins has a hint for an event.
func (h hintIndex) concern(profile string, event fwk.ClusterEvent, plugins sets.Set[string]) bool {
	if _, known := h.byProfile[profile]; !known || len(plugins) == 0 {
		return true
	}
	for _, hint := range h.matching(profile, event) {
		if plugins.Has(hint.Plugin) {
			return true
		}
	}
	return false
}

// pluginsFor returns the plugins of all profiles that have a hint for an event, each once.
func (h hintIndex) pluginsFor(event fwk.ClusterEvent) []string {
	var plugins []string
	for profile := range h.byProfile {
		for _, hint := range h.matching(profile, event) {
			if !slices.Contains(plugins, hint.Plugin) {
				plugins = append(plugins, hint.Plugin)
			}
		}
	}
	return plugins
}

func (h hintIndex) eventsOf(profile, plugin string) []fwk.ClusterEvent {
	var events []fwk.ClusterEvent
	for _, hint := range h.byProfile[profile] {
		if hint.Plugin == plugin {
			events = append(events, hint.Event)
		}
	}
	return events
}

// isWorthRequeuing decides whether an event may have made a refused pod or group schedulable, by asking the plugins that
// refused it.
func (q *Queue) isWorthRequeuing(entry *Entry, event fwk.ClusterEvent, old, new any) queueingStrategy {
	if entry.grouping != nil {
		return q.isGroupWorthRequeuing(entry, event, old, new)
	}
	return q.isPodWorthRequeuing(entry, entry.rejectors(), entry.PendingPlugins, event, old, new)
}

// isPodWorthRequeuing asks some plugins about one pod.
func (q *Queue) isPodWorthRequeuing(entry *Entry, rejectors, pending sets.Set[string], event fwk.ClusterEvent, old, new any) queueingStrategy {
	if len(rejectors) == 0 {
		return queueAfterBackoff
	}
	if framework.IsWildCard(event) {
		if pod, ok := new.(*corev1.Pod); new != nil && (!ok || pod.UID != entry.GetPod().UID) {
			return queueSkip // It is meant for another pod.
		}
		return queueAfterBackoff
	}
	if _, known := q.hints.byProfile[entry.profile()]; !known {
		return queueAfterBackoff
	}
	strongest := queueSkip
	for _, hint := range q.hints.matching(entry.profile(), event) {
		if !rejectors.Has(hint.Plugin) || q.ask(hint, entry.GetPod(), event, old, new) == fwk.QueueSkip {
			continue
		}
		if pending.Has(hint.Plugin) {
			return queueImmediately
		}
		strongest = queueAfterBackoff
	}
	return strongest
}

// ask calls a hint function. One that fails or panics keeps no pod from being tried again.
func (q *Queue) ask(hint framework.Hint, pod *corev1.Pod, event fwk.ClusterEvent, old, new any) fwk.QueueingHint {
	start := time.Now()
	answer, err := q.askGuarded(hint, pod, old, new)
	label := answer.String()
	if err != nil {
		q.options.Logger.Error(err, "Queueing hint failed; the pod is tried again", "pod", klog.KObj(pod),
			"plugin", hint.Plugin, "event", event.Label())
		answer, label = fwk.Queue, "Error"
	}
	metrics.HintDuration.WithLabelValues(hint.Plugin, event.Label(), label).Observe(time.Since(start).Seconds())
	return answer
}

func (q *Queue) askGuarded(hint framework.Hint, pod *corev1.Pod, old, new any) (answer fwk.QueueingHint, err error) {
	var status *fwk.Status
	func() {
		ctx := klog.NewContext(context.Background(), q.options.Logger)
		defer framework.Recovered(ctx, framework.QueueHint, hint.Plugin, &status)
		answer, err = hint.Function(q.options.Logger, pod, old, new)
	}()
	if !status.IsSuccess() {
		return fwk.Queue, status.AsError()
	}
	if err != nil {
		return fwk.Queue, fmt.Errorf("asking plugin %q for a hint: %w", hint.Plugin, err)
	}
	return answer, nil
}
