package deployment

import (
	"math"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Where a field is not set, and no webhook has defaulted it, it means what the API documents as its default.
const (
	defaultReplicas   = 1
	defaultHistory    = 10
	defaultDeadline   = 600
	defaultMaxPercent = "25%"
)

// desired is how many pods d asks for.
func desired(d *oappsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return defaultReplicas
	}
	return max(0, *d.Spec.Replicas)
}

func recreates(d *oappsv1.Deployment) bool {
	return d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
}

// surgeAndUnavailable are how many pods a rollout may have above and below the desired number. Percentages round up for the surge
// and down for the unavailable. Where both come to 0 one pod may be unavailable, or nothing could ever move. Recreate has
// neither, and no pod of none can be unavailable.
func surgeAndUnavailable(d *oappsv1.Deployment) (surge, unavailable int32) {
	if recreates(d) {
		return 0, 0
	}
	maxSurge, maxUnavailable := intstr.FromString(defaultMaxPercent), intstr.FromString(defaultMaxPercent)
	if rolling := d.Spec.Strategy.RollingUpdate; rolling != nil {
		maxSurge = valueOr(rolling.MaxSurge, maxSurge)
		maxUnavailable = valueOr(rolling.MaxUnavailable, maxUnavailable)
	}
	surge = scaled(maxSurge, desired(d), true)
	unavailable = scaled(maxUnavailable, desired(d), false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, min(unavailable, desired(d))
}

func valueOr(value *intstr.IntOrString, otherwise intstr.IntOrString) intstr.IntOrString {
	if value == nil {
		return otherwise
	}
	return *value
}

// scaled is a number, or a percentage of total. What is neither counts as 0: validation refuses it.
func scaled(value intstr.IntOrString, total int32, roundUp bool) int32 {
	n, err := intstr.GetScaledValueFromIntOrPercent(&value, int(total), roundUp)
	if err != nil {
		return 0
	}
	return int32(n)
}

// maxTotal is how many pods may be asked for at any time.
func maxTotal(d *oappsv1.Deployment) int32 {
	surge, _ := surgeAndUnavailable(d)
	return desired(d) + surge
}

// minAvailable is how many pods have to be available before an old one may go.
func minAvailable(d *oappsv1.Deployment) int32 {
	_, unavailable := surgeAndUnavailable(d)
	return desired(d) - unavailable
}

// progressDeadline is how long a rollout may stand still before it has failed; false means for ever.
func progressDeadline(d *oappsv1.Deployment) (time.Duration, bool) {
	seconds := int32(defaultDeadline)
	if d.Spec.ProgressDeadlineSeconds != nil {
		seconds = *d.Spec.ProgressDeadlineSeconds
	}
	return time.Duration(seconds) * time.Second, seconds != math.MaxInt32
}

// historyLimit is how many old ReplicaSets are kept; false means all.
func historyLimit(d *oappsv1.Deployment) (int, bool) {
	limit := int32(defaultHistory)
	if d.Spec.RevisionHistoryLimit != nil {
		limit = *d.Spec.RevisionHistoryLimit
	}
	return int(limit), limit != math.MaxInt32
}
