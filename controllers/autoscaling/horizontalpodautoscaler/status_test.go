package horizontalpodautoscaler

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var deployments = schema.GroupResource{Group: "apps", Resource: "deployments"}

func TestWhatIsSaid(t *testing.T) {
	selecting := func(w world, err error, rivals ...string) world {
		w.unselected, w.rivals = err, rivals
		return w
	}
	const (
		scaleIsKnown = "AbleToScale True SucceededGetScale: the HPA controller was able to get the target's current scale"
		byCPU        = "ScalingActive True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"
		within       = "ScalingLimited False DesiredWithinRange: the desired count is within the acceptable range"
		twoScale     = "pods by selector app=web are controlled by more than one HPA (e.g. [{other default} {web default}])"
	)
	for _, tt := range []struct {
		name string
		hpa  *autoscaler
		w    world
		// failed is how the scaling went.
		failed error
		// says are the conditions, and events those that are recorded whatever becomes of it.
		says, events []string
	}{
		{
			name: "a target is scaled", hpa: percent(), w: of(t, 4, using(4, 80)),
			says: []string{
				"AbleToScale True SucceededRescale: the HPA controller was able to update the target scale to 7", byCPU, within,
				"ScaledToZero False NotScaledToZero: the HPA controller did not scale the workload to zero",
			},
		},
		{
			name: "a target is as it shall be", hpa: percent(), w: of(t, 4, using(4, 50)),
			says: []string{"AbleToScale True ReadyForNewScale: recommended size matches current size", byCPU, within},
		},
		{
			name: "a target cannot be scaled", hpa: percent(), w: of(t, 12), failed: fmt.Errorf("scaling: %w", apierrors.NewForbidden(deployments, "web", errors.New("no"))),
			says: []string{`AbleToScale False FailedUpdateScale: the HPA controller was unable to update the target scale: deployments.apps "web" is forbidden: no`},
		},
		{
			name: "there is no target", hpa: percent(), w: world{unscaled: fmt.Errorf("reading: %w", apierrors.NewNotFound(deployments, "web"))},
			says:   []string{`AbleToScale False FailedGetScale: the HPA controller was unable to get the target's current scale: deployments.apps "web" not found`},
			events: []string{`FailedGetScale: deployments.apps "web" not found`},
		},
		{
			name: "a target has been scaled to zero", hpa: percent(), w: of(t, 0),
			says: []string{scaleIsKnown, "ScalingActive False ScalingDisabled: scaling is disabled since the replica count of the target is zero"},
		},
		{
			name: "a target has no selector", hpa: percent(), w: selecting(of(t, 2), errNoSelector),
			says:   []string{scaleIsKnown, "ScalingActive False InvalidSelector: the HPA target's scale is missing a selector"},
			events: []string{"SelectorRequired: selector is required", "FailedComputeMetricsReplicas: selector is required"},
		},
		{
			name: "two autoscalers have the same pods", hpa: percent(), w: selecting(of(t, 2), nil, "other"),
			says:   []string{scaleIsKnown, "ScalingActive False AmbiguousSelector: " + twoScale},
			events: []string{"AmbiguousSelector: " + twoScale, "FailedComputeMetricsReplicas: " + twoScale},
		},
		{
			name: "an autoscaler scales to zero itself", hpa: percent(zero, by(queueOf(value("10")))), w: remembering(of(t, 1, reading{values: []int64{0}}), 0, time.Minute),
			says: []string{
				"ScaledToZero True ScaledToZero: the HPA controller scaled the workload to zero",
				"AbleToScale True SucceededRescale: the HPA controller was able to update the target scale to 0",
				"ScalingActive True ValidMetricFound: the HPA was able to successfully calculate a replica count from external metric queue(nil)",
				within,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events, says []string
			for _, step := range controller.Plan(tt.hpa, tt.w, gen.Now).All() {
				if step.Verb() == "event" {
					events = append(events, strings.Fields(step.String())[2]+": "+step.Why())
				}
				if s, ok := step.(*plan.Status); ok {
					for _, c := range s.WantedAfter(tt.failed).(*autoscaler).Status.Conditions {
						says = append(says, fmt.Sprintf("%s %s %s: %s", c.Type, c.Status, c.Reason, c.Message))
					}
				}
			}
			if diff := cmp.Diff(tt.says, says); diff != "" {
				t.Errorf("the conditions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.events, events); diff != "" {
				t.Errorf("the events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFailureThatGoesOnIsNoTransition(t *testing.T) {
	hpa, long := percent(), gen.Ago(time.Hour)
	hpa.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionFalse, LastTransitionTime: long}}
	v := controller.decide(hpa, of(t, 12), gen.Now)
	c, _ := conditionsof.HorizontalPodAutoscaler.Find(v.reported(errors.New("down")).(*autoscaler).Status.Conditions, autoscalingv2.AbleToScale)
	if !c.LastTransitionTime.Equal(&long) {
		t.Errorf("it is %s since %s, want since %s", c.Status, c.LastTransitionTime, long)
	}
}

func TestAfterAConflictNothingIsSaidOrRemembered(t *testing.T) {
	hpa := percent()
	v := controller.decide(hpa, of(t, 12), gen.Now)
	conflict := fmt.Errorf("scaling: %w", apierrors.NewConflict(deployments, "web", errors.New("changed")))
	if diff := cmp.Diff(hpa, v.reported(conflict)); diff != "" {
		t.Errorf("after a conflict the autoscaler differs:\n%s", diff)
	}
	if left := v.remembered(conflict).(*memory); len(left.changes) != 0 {
		t.Errorf("it remembers that it scaled: %+v", left)
	}
}
