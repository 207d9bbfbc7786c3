package horizontalpodautoscaler

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"time"

	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	"github.com/orrery-dev/orrery/framework/plan"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Plan scales the target to what its metrics ask for, and tells why, or why not.
func (c Controller) Plan(hpa *oautoscalingv2.HorizontalPodAutoscaler, w world, now time.Time) *plan.Plan {
	p := plan.New()
	p.After(untilTurn(hpa.UID, c.options.SyncPeriod, now), "then it is looked at again")
	c.decide(hpa, w, now).carryOut(p, c.options.SyncPeriod)
	return p
}

// untilTurn is how long it is until an autoscaler's next turn. It has one in each period, at a moment of its own, so that those of many
// do not come all at once.
func untilTurn(uid types.UID, period time.Duration, now time.Time) time.Duration {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(uid)) // which never fails
	moment := time.Duration(hash.Sum32()) * time.Microsecond % period
	wait := (moment - time.Duration(now.UnixNano())%period + period) % period
	if wait < period/10 { // it has just had this one
		wait += period
	}
	return wait
}

// decide chooses a number of replicas.
func (c Controller) decide(hpa *oautoscalingv2.HorizontalPodAutoscaler, w world, now time.Time) *verdict {
	v := &verdict{hpa: hpa, world: w, now: now}
	if w.unscaled != nil {
		cause := cause(w.unscaled)
		v.wrong = w.unscaled
		v.warn(reasonNoScale, cause)
		v.say(autoscalingv2.AbleToScale, corev1.ConditionFalse, reasonNoScale, fmt.Sprintf("the HPA controller was unable to get the target's current scale: %v", cause))
		v.because = fmt.Sprintf("the scale of %s %s is not known: %v", hpa.Spec.ScaleTargetRef.Kind, hpa.Spec.ScaleTargetRef.Name, cause)
		return v
	}
	v.say(autoscalingv2.AbleToScale, corev1.ConditionTrue, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
	v.current = w.target.Wanted()
	v.bounds = c.boundsOf(&hpa.Spec, v.current)
	v.next = w.memory.orFirst(v.current, now)
	switch most, least := hpa.Spec.MaxReplicas, leastOf(&hpa.Spec); countOf(hpa, v.current) {
	case byNobody:
		v.say(autoscalingv2.ScalingActive, corev1.ConditionFalse, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
		v.desired, v.because = 0, "somebody has scaled the target to zero"
	case byMost:
		v.desired, v.reason = most, "Current number of replicas above Spec.MaxReplicas"
		v.because = fmt.Sprintf("there are %d replicas, and maxReplicas is %d", v.current, most)
	case byLeast:
		v.desired, v.reason = least, belowLeast
		v.because = fmt.Sprintf("there are %d replicas, and minReplicas is %d", v.current, least)
	case byMetrics:
		c.byMetrics(v)
	}
	return v
}

const belowLeast = "Current number of replicas below Spec.MinReplicas"

// byMetrics chooses by what the metrics say.
func (c Controller) byMetrics(v *verdict) {
	if err := v.selected(); err != nil {
		v.fail(err)
		return
	}
	v.next = v.next.selecting(v.world.selector)
	best, err := c.best(v)
	if err != nil {
		v.fail(err)
		return
	}
	v.say(autoscalingv2.ScalingActive, corev1.ConditionTrue, "ValidMetricFound", "the HPA was able to successfully calculate a replica count from "+best.metric)
	wanted := max(0, best.replicas)
	on := v.bounds.hold(wanted, v.next, v.now)
	v.say(autoscalingv2.AbleToScale, corev1.ConditionTrue, on.stable.reason, on.stable.message)
	v.say(autoscalingv2.ScalingLimited, asStatus(on.replicas != on.steady), on.limited.reason, on.limited.message)
	v.next = v.next.recommended(wanted, v.bounds, v.now)
	switch {
	case wanted > v.current:
		v.reason = best.metric + " above target"
	case wanted < v.current:
		v.reason = "All metrics below target"
	}
	v.desired, v.because = on.replicas, sentence(best, v.current, wanted, on)
	if least := v.bounds.least; v.current == 0 && v.desired < least {
		v.desired, v.reason = least, cmp.Or(v.reason, belowLeast)
		v.because += fmt.Sprintf(", and minReplicas is %d", least)
	}
}

// best is the metric that asks for the most replicas. Where one fails, the others count as long as they do not ask for fewer than there
// are: what is not known may be what they are needed for.
func (c Controller) best(v *verdict) (*proposal, error) {
	metrics := metricsOf(v.hpa)
	v.metrics = make([]autoscalingv2.MetricStatus, len(metrics))
	p := proposer{Controller: c, world: v.world, tolerance: c.toleranceOf(v.hpa.Spec.Behavior), now: v.now}
	var (
		best     *proposal
		failures []*failure
	)
	for i, metric := range metrics {
		made, failed := p.propose(metric, v.world.readings[i])
		if failed != nil {
			v.warn(failed.reason, failed.cause)
			failures = append(failures, failed)
			v.computations = append(v.computations, computation{kind: metric.Type, err: failed.err, took: v.world.readings[i].took})
			continue
		}
		v.computations = append(v.computations, computation{kind: metric.Type, replicas: made.replicas, took: v.world.readings[i].took})
		v.metrics[i] = made.status
		if best == nil || best.replicas == 0 || made.replicas > best.replicas {
			best = made
		}
	}
	if len(failures) == 0 {
		return best, nil
	}
	first := failures[0]
	if v.wrong = first.err; best != nil && best.replicas >= v.current {
		return best, nil
	}
	v.say(autoscalingv2.ScalingActive, corev1.ConditionFalse, first.reason, fmt.Sprintf("the HPA was unable to compute the replica count: %v", first.cause))
	return nil, fmt.Errorf("invalid metrics (%d invalid out of %d), first error is: %w", len(failures), len(metrics), first.err)
}

// selected says what is wrong with the selector of the target's pods; nil means nothing.
func (v *verdict) selected() error {
	switch err := v.world.unselected; {
	case err == errNoSelector: //nolint:errorlint // it is never wrapped
		v.warn(reasonNoSelector, err)
		v.say(autoscalingv2.ScalingActive, corev1.ConditionFalse, reasonBadSelector, "the HPA target's scale is missing a selector")
		return err
	case err != nil:
		v.warn(reasonBadSelector, err)
		v.say(autoscalingv2.ScalingActive, corev1.ConditionFalse, reasonBadSelector, err.Error())
		return err
	case len(v.world.rivals) > 0:
		err := ambiguous(v.world, v.hpa.Namespace, v.hpa.Name)
		v.next = v.next.selecting(v.world.selector) // or the others would not know
		v.warn(reasonSeveral, err)
		v.say(autoscalingv2.ScalingActive, corev1.ConditionFalse, reasonSeveral, err.Error())
		return err
	default:
		return nil
	}
}

// sentence says why there shall be so many replicas, as in "cpu is at 80% of requests against a target of 50%: 4 replicas become 7,
// limited to 6 by maxReplicas".
func sentence(best *proposal, current, wanted int32, on bounded) string {
	said := fmt.Sprintf("%s: %d replicas become %d", best.level, current, wanted)
	if wanted == current {
		said = fmt.Sprintf("%s: %d replicas stay", best.level, current)
	}
	for _, more := range []string{on.held, on.cut} {
		if more != "" {
			said += ", " + more
		}
	}
	return said
}
