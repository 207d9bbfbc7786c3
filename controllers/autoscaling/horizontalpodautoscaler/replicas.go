package horizontalpodautoscaler

import (
	"errors"
	"maps"
	"math"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// tolerance is by what part a metric may be below and above its target without anything being done.
type tolerance struct{ down, up float64 }

func (c Controller) toleranceOf(behavior *autoscalingv2.HorizontalPodAutoscalerBehavior) tolerance {
	t := tolerance{c.options.Tolerance, c.options.Tolerance}
	if behavior == nil {
		return t
	}
	if down := behavior.ScaleDown; down != nil && down.Tolerance != nil {
		t.down = down.Tolerance.AsApproximateFloat64()
	}
	if up := behavior.ScaleUp; up != nil && up.Tolerance != nil {
		t.up = up.Tolerance.AsApproximateFloat64()
	}
	return t
}

// covers reports that a metric is near enough to its target, of which it is the ratio. What is no number is.
func (t tolerance) covers(ratio float64) bool { return !(ratio < 1-t.down || ratio > 1+t.up) }

// gauge says how busy pods are.
type gauge struct {
	// ratio is what pods use together, as the ratio of the target.
	ratio func(used map[string]int64) float64
	// full is how much a pod is taken to use that was not measured, where there may be too many.
	full func(pod string) int64
}

// replicas is how many pods it takes so that each uses what is the target, without those of which nothing is known making the
// change larger. Where there are too few, pods that are not ready or were not measured are taken to use nothing; where there are too
// many, those that were not measured are taken to be fully used. If that turns the direction round, nothing is done.
func (g gauge) replicas(current int32, pods sorted, t tolerance) int32 {
	ratio := g.ratio(pods.used)
	awaited := len(pods.unready) > 0 && ratio > 1
	if !awaited && len(pods.missing) == 0 {
		if t.covers(ratio) {
			return current
		}
		return ceil(ratio * float64(pods.ready))
	}
	used := maps.Clone(pods.used)
	for _, pod := range pods.missing {
		switch {
		case ratio < 1:
			used[pod] = g.full(pod)
		case ratio > 1:
			used[pod] = 0
		}
	}
	if awaited {
		for _, pod := range pods.unready {
			used[pod] = 0
		}
	}
	cautious := g.ratio(used)
	if t.covers(cautious) || turned(ratio, cautious) {
		return current
	}
	if n := ceil(cautious * float64(len(used))); (cautious < 1) == (n < current) {
		return n
	}
	return current
}

// turned reports that two ratios ask for changes in opposite directions.
func turned(a, b float64) bool { return a < 1 && b > 1 || a > 1 && b < 1 }

// utilization is what pods use as a part of what they ask for, in percent, and how much each of them uses on average. Pods that only
// the metrics API knows do not count.
func utilization(used, asked map[string]int64) (percent int32, average int64, err error) {
	var sum, whole, pods int64
	for pod, n := range used {
		if request, known := asked[pod]; known {
			sum, whole, pods = sum+n, whole+request, pods+1
		}
	}
	if whole == 0 {
		return 0, 0, errors.New("no metrics returned matched known pods")
	}
	return int32(sum * 100 / whole), sum / pods, nil
}

// average is how much each pod uses on average.
func average(used map[string]int64) int64 {
	var sum int64
	for _, n := range used {
		sum += n
	}
	return sum / int64(len(used))
}

// toTarget is how many pods it takes of what has a single value: as many as work now, by the ratio of the value to the target. Of none
// nothing can be said by how busy they are, and the ratio itself is the number.
func toTarget(current int32, ratio float64, t tolerance, working func() (int, error)) (int32, error) {
	if current == 0 {
		return ceil(ratio), nil
	}
	if t.covers(ratio) {
		return current, nil
	}
	n, err := working()
	if err != nil {
		return 0, err
	}
	return ceil(ratio * float64(n)), nil
}

// shared is how many pods it takes to share a value so that each has the target, and how much each of those that there are has
// now. Where there are none, it is as if there were one.
func shared(existing int32, value, target int64, t tolerance) (replicas int32, each int64) {
	replicas = existing
	ratio := float64(value) / (float64(target) * float64(existing))
	if existing == 0 || !t.covers(ratio) {
		replicas = ceil(float64(value) / float64(target))
	}
	if value == math.MaxInt64 {
		return replicas, value
	}
	return replicas, int64(math.Ceil(float64(value) / float64(max(1, existing))))
}

// total is the sum of values; as many as can be counted, where there are more.
func total(values []int64) int64 {
	sum := int64(0)
	for _, value := range values {
		if value > 0 && sum > math.MaxInt64-value {
			return math.MaxInt64
		}
		sum += value
	}
	return sum
}

// ceil rounds up to a number of replicas.
func ceil(x float64) int32 {
	return int32(math.Ceil(max(math.MinInt32, min(math.MaxInt32, x))))
}
