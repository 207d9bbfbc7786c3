package horizontalpodautoscaler

import (
	"cmp"
	"fmt"
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// bounds are what a number of replicas is held within.
type bounds struct {
	current, least, most int32
	// up and down are the rules of an autoscaler that has a behavior. Without one they are nil, and the rules are simple ones.
	up, down *rules
	// window is for how long what was recommended counts, without a behavior.
	window time.Duration
}

func (c Controller) boundsOf(spec *autoscalingv2.HorizontalPodAutoscalerSpec, current int32) bounds {
	b := bounds{current: current, least: leastOf(spec), most: spec.MaxReplicas, window: c.options.DownscaleStabilization}
	if spec.Behavior != nil {
		b.up, b.down = rulesUp(spec.Behavior.ScaleUp), rulesDown(spec.Behavior.ScaleDown, b.window)
	}
	return b
}

// rules are how fast a number of replicas may change in one direction, all said.
type rules struct {
	window   time.Duration
	choice   autoscalingv2.ScalingPolicySelect
	policies []autoscalingv2.HPAScalingPolicy
}

// rulesUp are the rules of scaling up, with what they leave open as the API server fills it in.
func rulesUp(said *autoscalingv2.HPAScalingRules) *rules {
	return rulesBy(said, 0, []autoscalingv2.HPAScalingPolicy{
		{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15},
		{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15},
	})
}

func rulesDown(said *autoscalingv2.HPAScalingRules, window time.Duration) *rules {
	return rulesBy(said, window, []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}})
}

func rulesBy(said *autoscalingv2.HPAScalingRules, window time.Duration, policies []autoscalingv2.HPAScalingPolicy) *rules {
	r := &rules{window, autoscalingv2.MaxChangePolicySelect, policies}
	if said == nil {
		return r
	}
	if said.StabilizationWindowSeconds != nil {
		r.window = seconds(*said.StabilizationWindowSeconds)
	}
	if said.SelectPolicy != nil {
		r.choice = *said.SelectPolicy
	}
	if said.Policies != nil {
		r.policies = said.Policies
	}
	return r
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

// longest is the longest period that some policy looks back.
func (r *rules) longest() time.Duration {
	longest := time.Duration(0)
	for _, policy := range r.policies {
		longest = max(longest, seconds(policy.PeriodSeconds))
	}
	return longest
}

// limit is how far the policies let a number of replicas go, up (1) or down (-1).
func (r *rules) limit(direction int, current int32, m *memory, now time.Time) int32 {
	if r.choice == autoscalingv2.DisabledPolicySelect || len(r.policies) == 0 {
		return current
	}
	farthest := r.choice != autoscalingv2.MinChangePolicySelect
	var chosen int32
	for i, policy := range r.policies {
		reach := reach(policy, direction, current-m.changed(seconds(policy.PeriodSeconds), now))
		if farther := cmp.Compare(reach, chosen) == direction; i == 0 || farther == farthest {
			chosen = reach
		}
	}
	return chosen
}

// reach is how far one policy lets a number of replicas go within its period, which began with so many. Percentages are rounded so that
// there is always a change.
func reach(policy autoscalingv2.HPAScalingPolicy, direction int, began int32) int32 {
	way, value := float64(direction), float64(policy.Value)
	switch {
	case policy.Type != autoscalingv2.PercentScalingPolicy:
		return ceil(float64(began) + way*value)
	case direction > 0:
		return ceil(float64(began) * (1 + value/100))
	default:
		return ceil(math.Trunc(float64(began) * (1 - value/100)))
	}
}

// bounded is a number of replicas within its bounds, and what held it there.
type bounded struct {
	// replicas are within the bounds; steady is what they would be if only time had a say.
	replicas, steady int32
	// stable are the reason and message of AbleToScale, and limited those of ScalingLimited.
	stable, limited told
	// held and cut say in words what made them different from what was wanted, and from what is steady; empty where nothing did.
	held, cut string
}

// told is a reason and a message.
type told struct{ reason, message string }

var (
	ready         = told{"ReadyForNewScale", "recommended size matches current size"}
	heldHigh      = told{"ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation"}
	heldLow       = told{"ScaleUpStabilized", "recent recommendations were lower than current one, applying the lowest recent recommendation"}
	tooFew        = told{"TooFewReplicas", "the desired replica count is less than the minimum replica count"}
	tooMany       = told{"TooManyReplicas", "the desired replica count is more than the maximum replica count"}
	tooFastUp     = told{"ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"}
	tooFastDown   = told{"ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate"}
	withinAllowed = told{"DesiredWithinRange", "the desired count is within the acceptable range"}
)

// hold holds a number of replicas within its bounds: first what was recommended in the last minutes has a say, and then what may be.
func (b bounds) hold(wanted int32, m *memory, now time.Time) bounded {
	v := bounded{steady: wanted, stable: ready, limited: withinAllowed}
	v.steady = b.stabilize(wanted, m, now)
	if v.steady != wanted {
		v.stable = heldHigh
		if b.up != nil && wanted >= b.current {
			v.stable = heldLow
		}
		v.held = fmt.Sprintf("held at %d by what was recommended of late", v.steady)
	}
	lowest, tooLow, highest, tooHigh := b.allowed(v.steady, m, now)
	switch {
	case v.steady < lowest:
		v.replicas, v.limited = lowest, tooLow
	case v.steady > highest:
		v.replicas, v.limited = highest, tooHigh
	default:
		v.replicas = v.steady
	}
	if v.replicas != v.steady {
		v.cut = fmt.Sprintf("limited to %d by %s", v.replicas, limits[v.limited])
	}
	return v
}

// limits are what limits a number of replicas, in words.
var limits = map[told]string{
	tooFew:      "minReplicas",
	tooMany:     "maxReplicas",
	tooFastUp:   "how fast it may be scaled up",
	tooFastDown: "how fast it may be scaled down",
}

// stabilize lets what was recommended of late have a say: no more than the least of it within the window of scaling up, and no less
// than the most of it within the window of scaling down.
func (b bounds) stabilize(wanted int32, m *memory, now time.Time) int32 {
	if b.up == nil {
		for _, r := range m.recommendations {
			if !r.at.Before(now.Add(-b.window)) {
				wanted = max(wanted, r.replicas)
			}
		}
		return wanted
	}
	atMost, atLeast := wanted, wanted // of what scaling up and scaling down may lead to
	for _, r := range m.recommendations {
		if r.at.After(now.Add(-b.up.window)) {
			atMost = min(atMost, r.replicas)
		}
		if r.at.After(now.Add(-b.down.window)) {
			atLeast = max(atLeast, r.replicas)
		}
	}
	return min(max(b.current, atMost), atLeast)
}

// allowed is between which numbers the replicas may be that shall become so many, and what is said of fewer and of more.
func (b bounds) allowed(wanted int32, m *memory, now time.Time) (lowest int32, low told, highest int32, high told) {
	lowest, low, highest, high = b.least, tooFew, b.most, tooMany
	switch {
	case b.up == nil:
		if limit := int32(min(math.MaxInt32, max(4, 2*int64(b.current)))); limit < highest {
			highest, high = limit, tooFastUp
		}
	case wanted > b.current:
		lowest = math.MinInt32
		if limit := max(b.current, b.up.limit(1, b.current, m, now)); limit < highest {
			highest, high = limit, tooFastUp
		}
	case wanted < b.current:
		highest = math.MaxInt32
		if limit := min(b.current, b.down.limit(-1, b.current, m, now)); limit > lowest {
			lowest, low = limit, tooFastDown
		}
	default:
		lowest, highest = math.MinInt32, math.MaxInt32
	}
	return lowest, low, highest, high
}
