package eviction

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// The kubelet's figures.
const (
	monitoringInterval = 10 * time.Second
	podCleanupTimeout  = 30 * time.Second
	podCleanupPollFreq = time.Second
	// immediately is the grace of a pod that is evicted because of a hard threshold, or of its own limits.
	immediately = time.Second
)

// Memory is what is remembered from one decision to the next.
type Memory struct {
	// MetSince is since when thresholds are met.
	MetSince map[Threshold]time.Time
	// Due are those that were acted upon, and are until there is as much as their MinReclaim asks for.
	Due []Threshold
	// LastMet is when thresholds of a node condition were met last.
	LastMet map[corev1.NodeConditionType]time.Time
	// Conditions are the node conditions that hold.
	Conditions []corev1.NodeConditionType
	// Reclaimed is the signal for which the plan before gave up what the node can do without; "" if that did not.
	Reclaimed Signal
	// Evicted are the pods that were evicted last, and At is when.
	Evicted []types.UID
	At      time.Time
}

// decide makes the plan. It is pure.
func decide(w *World, now time.Time) *engine.Plan[*Manager] {
	if w.Node == nil {
		return wait(w)
	}
	d := newDecision(w, now)
	d.plan.After(monitoringInterval, "the node is measured again")
	d.plan.Do(&setConditions{d.memory.Conditions, w.Memory.Conditions})
	switch {
	case d.evictExceeding():
	case len(d.due) == 0:
		d.plan.Because(d.enough())
	case d.reclaim():
	default:
		d.evict()
	}
	return d.finish()
}

// wait decides nothing before the pods that were evicted last have ended.
func wait(w *World) *engine.Plan[*Manager] {
	d := &decision{plan: &engine.Plan[*Manager]{}, memory: w.Memory}
	d.plan.Because(fmt.Sprintf("waiting for the containers of %d evicted pods to end", len(w.Ending)))
	d.plan.After(podCleanupPollFreq, "they may have ended")
	return d.finish()
}

// decision is a plan in the making.
type decision struct {
	*World
	now  time.Time
	plan *engine.Plan[*Manager]
	seen map[Signal]observation
	// thresholds are all that hold here, and due those that are acted upon, the first first.
	thresholds, due []Threshold
	memory          Memory
}

// newDecision finds out which thresholds are due, and which node conditions hold.
func newDecision(w *World, now time.Time) *decision {
	d := &decision{World: w, now: now, plan: &engine.Plan[*Manager]{}, seen: observations(w.Node), thresholds: w.in(w.Layout)}
	low := merged(met(d.thresholds, d.seen, false), met(w.Memory.Due, d.seen, true))
	d.memory.MetSince = map[Threshold]time.Time{}
	for _, t := range low {
		since, already := w.Memory.MetSince[t]
		if !already {
			since = now
		}
		d.memory.MetSince[t] = since
		if now.Sub(since) >= t.Grace {
			d.due = append(d.due, t)
		}
	}
	slices.SortStableFunc(d.due, func(a, b Threshold) int { return a.Signal.order() - b.Signal.order() })
	d.memory.Due = d.due
	d.conditions(low)
	return d
}

// conditions hold while one of their thresholds is met, and for a while after.
func (d *decision) conditions(low []Threshold) {
	d.memory.LastMet = map[corev1.NodeConditionType]time.Time{}
	maps.Copy(d.memory.LastMet, d.Memory.LastMet)
	for _, t := range low {
		d.memory.LastMet[t.Signal.condition()] = d.now
	}
	for _, condition := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure} {
		if at, ever := d.memory.LastMet[condition]; ever && d.now.Sub(at) < d.transitionPeriod {
			d.memory.Conditions = append(d.memory.Conditions, condition)
		}
	}
}

// finish leaves what is to be remembered.
func (d *decision) finish() *engine.Plan[*Manager] {
	memory := d.memory
	d.plan.Remember(func(error) any { return memory })
	return d.plan
}

// enough says why nothing is to be reclaimed.
func (d *decision) enough() string {
	var soft []string
	for t, since := range d.memory.MetSince {
		soft = append(soft, fmt.Sprintf("%s since %s, of %s", t, d.now.Sub(since).Round(time.Second), t.Grace))
	}
	if len(soft) == 0 {
		return "the node has enough of everything"
	}
	slices.Sort(soft)
	return strings.Join(soft, "; ")
}

// evictExceeding evicts the pods that use more of the disk than they may. The containers of all of them are waited for.
func (d *decision) evictExceeding() bool {
	for _, pod := range d.Pods {
		if why := d.Exceeded[pod.UID]; why != "" && !status.Critical(pod) {
			d.evictPod(&evictPod{pod: pod, grace: immediately, message: why, why: why})
		}
	}
	return len(d.memory.Evicted) > 0
}

func (d *decision) evictPod(step *evictPod) {
	d.plan.Do(step)
	d.memory.Evicted, d.memory.At = append(d.memory.Evicted, step.pod.UID), d.now
	d.plan.After(podCleanupPollFreq, "its containers may have ended")
}

// reclaim gives up what the node can do without, once for a threshold. The next plan says whether that was enough.
func (d *decision) reclaim() bool {
	first := d.due[0]
	can := reclaimableOn(first.Signal, d.Layout)
	reclaimed := d.Memory.Reclaimed == first.Signal
	if !reclaimed {
		d.plan.Do(&recordReclaim{first.Signal.resource()})
	}
	switch {
	case can == reclaimable{}:
		return false
	case !reclaimed:
		d.memory.Reclaimed = first.Signal
		d.plan.Do(&reclaimNode{can, d.because(first)})
		d.plan.After(0, "that may have been enough")
		return true
	case len(met(d.thresholds, d.seen, true)) == 0:
		d.plan.Because("what the node gave up was enough")
		return true
	default:
		return false
	}
}

// evict evicts one pod.
func (d *decision) evict() {
	first := d.due[0]
	if d.Measured == nil { // it became due after the pods had been looked at
		d.plan.After(0, "pods are measured")
		return
	}
	for _, pod := range ranked(d.Pods, d.Measured, first.Signal, d.Layout) {
		if status.Critical(pod) {
			continue
		}
		text, annotations := message(pod, d.Measured[pod.UID], first.Signal.resource(), d.due, d.seen)
		d.evictPod(&evictPod{
			pod: pod, grace: d.graceOf(pod, first), message: text, annotations: annotations, disrupts: true, signal: first.Signal, why: d.because(first),
		})
		return
	}
	d.plan.Because(fmt.Sprintf("%s, and there is no pod to evict", d.because(first)))
}

// graceOf is what the pod gets to end.
func (d *decision) graceOf(pod *corev1.Pod, t Threshold) time.Duration {
	grace := d.maxGrace
	switch own := pod.Spec.TerminationGracePeriodSeconds; {
	case t.Hard():
		return immediately
	case own != nil:
		return min(grace, time.Duration(*own)*time.Second)
	default:
		return grace
	}
}

func (d *decision) because(t Threshold) string {
	left := d.seen[t.Signal].available
	return fmt.Sprintf("%s: %s is left", t, left.String())
}
