package horizontalpodautoscaler

import (
	"errors"
	"fmt"
	"time"

	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/framework/plan"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// verdict is what is decided for an autoscaler, and all that is to be said of it.
type verdict struct {
	hpa    *oautoscalingv2.HorizontalPodAutoscaler
	world  world
	now    time.Time
	bounds bounds

	// current is how many replicas the target has, and desired how many it shall have. Where nothing could be decided, failed says so.
	current, desired int32
	failed           bool
	// wrong is what went wrong first, be it that the rest was enough to decide; nil if nothing did.
	wrong error
	// reason is why, as Kubernetes' events have it, and because as the plan has it.
	reason, because string
	// metrics are what the status says of each metric; what could not be read is empty.
	metrics []autoscalingv2.MetricStatus
	// computations are what came of each metric, for who measures.
	computations []computation
	// conditions are those to be set, and warnings the events about what goes on.
	conditions []autoscalingv2.HorizontalPodAutoscalerCondition
	warnings   []plan.Event
	// next is what is remembered if the target is not scaled; nil leaves it as it was.
	next *memory
}

// say sets a condition, in the place of what has been said of its kind.
func (v *verdict) say(kind autoscalingv2.HorizontalPodAutoscalerConditionType, status corev1.ConditionStatus, reason, message string) {
	v.conditions = with(v.conditions, kind, status, reason, message)
}

func with(list []autoscalingv2.HorizontalPodAutoscalerCondition, kind autoscalingv2.HorizontalPodAutoscalerConditionType, status corev1.ConditionStatus,
	reason, message string,
) []autoscalingv2.HorizontalPodAutoscalerCondition {
	return conditionsof.HorizontalPodAutoscaler.Set(list, autoscalingv2.HorizontalPodAutoscalerCondition{
		Type: kind, Status: status, Reason: reason, Message: message,
	}, time.Time{}) // the time is set with all of them, in status
}

func asStatus(holds bool) corev1.ConditionStatus {
	if holds {
		return corev1.ConditionTrue
	}
	return corev1.ConditionFalse
}

// fail ends a verdict that could not be reached.
func (v *verdict) fail(err error) {
	v.failed, v.wrong, v.because = true, err, err.Error()
	v.warn(reasonNoReplicas, err)
}

// rescales reports that the target is scaled.
func (v *verdict) rescales() bool {
	return v.world.unscaled == nil && !v.failed && v.desired != v.current
}

// carryOut plans what follows from the verdict.
func (v *verdict) carryOut(p *plan.Plan, period time.Duration) {
	for _, warning := range v.warnings {
		p.EventOnce(v.hpa, plan.Warning, warning.Reason, "%s", warning.Message)
	}
	p.Because(v.because)
	if v.rescales() {
		v.rescale(p, period)
	}
	p.StatusAfter(v.hpa, v.reported)
	p.Do(measure{v})
	if v.next != nil {
		p.Remember(v.remembered)
	}
}

// rescale plans that the target has the desired number of replicas.
func (v *verdict) rescale(p *plan.Plan, period time.Duration) {
	said := fmt.Sprintf("New size: %d; reason: %s", v.desired, v.reason)
	event := func(kind plan.EventType, reason, message string) plan.Event {
		return plan.Event{Regarding: v.hpa, Type: kind, Reason: reason, Message: message}
	}
	step := v.world.target.Set(plan.New(), v.because, v.desired).
		Succeeded(func(client.Object) plan.Event { return event(plan.Normal, reasonRescaled, said) }).
		Failed(func(_ client.Object, err error) plan.Event {
			return event(plan.Warning, reasonNotRescaled, fmt.Sprintf("%s; error: %v", said, plan.Cause(err)))
		})
	p.Do(paced{step, period})
}

// remembered is what is remembered once it is known whether the target could be scaled.
func (v *verdict) remembered(failed error) any {
	if failed == nil && v.rescales() {
		return v.next.scaled(v.desired-v.current, v.bounds, v.now)
	}
	return v.next
}

// reported is the autoscaler with the status that it has once it is known whether the target could be scaled. After a conflict it is
// as it was: everything is decided anew at once.
func (v *verdict) reported(failed error) client.Object {
	if apierrors.IsConflict(failed) {
		return v.hpa
	}
	reported := v.hpa.DeepCopy()
	s := &reported.Status
	if v.world.unscaled == nil {
		s.ObservedGeneration, s.CurrentReplicas, s.CurrentMetrics = &reported.Generation, v.current, v.metrics
		if !v.failed && failed == nil {
			s.DesiredReplicas = v.desired
		}
		if v.rescales() && failed == nil {
			s.LastScaleTime = &metav1.Time{Time: v.now}
		}
	}
	conditions := v.conditions
	for _, condition := range v.rescaled(failed) {
		conditions = conditionsof.HorizontalPodAutoscaler.Set(conditions, condition, v.now)
	}
	for _, condition := range conditions { // each once: what is False for long must not seem to have been True in between
		s.Conditions = conditionsof.HorizontalPodAutoscaler.Set(s.Conditions, condition, v.now)
	}
	return reported
}

// rescaled are the conditions that say how the scaling went; none if the target is not scaled.
func (v *verdict) rescaled(failed error) []autoscalingv2.HorizontalPodAutoscalerCondition {
	switch {
	case !v.rescales():
		return nil
	case failed != nil:
		return with(nil, autoscalingv2.AbleToScale, corev1.ConditionFalse, "FailedUpdateScale", fmt.Sprintf("the HPA controller was unable to update the target scale: %v", plan.Cause(failed)))
	}
	said := with(nil, autoscalingv2.AbleToScale, corev1.ConditionTrue, "SucceededRescale", fmt.Sprintf("the HPA controller was able to update the target scale to %d", v.desired))
	if v.desired == 0 && v.bounds.least == 0 && hasValues(v.hpa) {
		return with(said, autoscalingv2.ScaledToZero, corev1.ConditionTrue, "ScaledToZero", "the HPA controller scaled the workload to zero")
	}
	return with(said, autoscalingv2.ScaledToZero, corev1.ConditionFalse, "NotScaledToZero", "the HPA controller did not scale the workload to zero")
}

// cause is why a scale could not be read, without where that happened: the API server's own answer, or that no such kind is served.
func cause(err error) error {
	if kind := (*meta.NoKindMatchError)(nil); errors.As(err, &kind) {
		return kind
	}
	return plan.Cause(err)
}
