package eviction

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Settings are those fields of a KubeletConfiguration that are about eviction, by their names there.
type Settings struct {
	// EvictionHard are thresholds by signal, as in "memory.available": "100Mi" or "nodefs.available": "10%", that are acted upon at once.
	// Nil stands for DefaultEvictionHard; where any is named, only those that are named hold, unless MergeDefaultEvictionSettings. 0% and
	// 100% turn a threshold off.
	EvictionHard map[string]string
	// EvictionSoft are thresholds that are acted upon when they were met for their EvictionSoftGracePeriod, as in "1m30s", which each of
	// them must have.
	EvictionSoft            map[string]string
	EvictionSoftGracePeriod map[string]string
	// EvictionMinimumReclaim is how much more than a threshold asks for is to be free by signal when resources are reclaimed.
	EvictionMinimumReclaim map[string]string
	// EvictionPressureTransitionPeriod is how long a node condition holds after its thresholds are not met any more; zero is 5 minutes.
	EvictionPressureTransitionPeriod time.Duration
	// EvictionMaxPodGracePeriod is how many seconds pods get at most to end because of a soft threshold.
	EvictionMaxPodGracePeriod    int32
	MergeDefaultEvictionSettings bool
}

// DefaultEvictionHard are the kubelet's on Linux.
func DefaultEvictionHard() map[string]string {
	return map[string]string{
		string(memoryAvailable): "100Mi",
		string(nodeFsAvailable): "10%", string(nodeFsInodesFree): "5%",
		string(imageFsAvailable): "15%", string(imageFsInodesFree): "5%",
	}
}

const defaultTransitionPeriod = 5 * time.Minute

// config is what Settings come down to.
type config struct {
	thresholds       []Threshold
	transitionPeriod time.Duration
	maxGrace         time.Duration
}

// parse refuses what the kubelet refuses.
func (s Settings) parse() (config, error) {
	c := config{transitionPeriod: cmp.Or(s.EvictionPressureTransitionPeriod, defaultTransitionPeriod), maxGrace: time.Duration(s.EvictionMaxPodGracePeriod) * time.Second}
	thresholds, err := s.Thresholds()
	c.thresholds = thresholds
	return c, err
}

// Thresholds are all that the settings name, hard ones first, in the order in which signals are looked at.
func (s Settings) Thresholds() ([]Threshold, error) {
	hard, err := parseThresholds("evictionHard", s.hard())
	if err != nil {
		return nil, err
	}
	soft, err := parseThresholds("evictionSoft", s.EvictionSoft)
	if err != nil {
		return nil, err
	}
	graces, err := parseGraces(s.EvictionSoftGracePeriod)
	if err != nil {
		return nil, err
	}
	for i := range soft {
		grace, named := graces[soft[i].Signal]
		if !named {
			return nil, fmt.Errorf("evictionSoft: %s has no evictionSoftGracePeriod, as in \"1m30s\"", soft[i].Signal)
		}
		soft[i].Grace = grace
	}
	reclaims, err := parseReclaims(s.EvictionMinimumReclaim)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(hard, soft)
	for i := range all {
		all[i].MinReclaim = reclaims[all[i].Signal]
	}
	return all, nil
}

func (s Settings) hard() map[string]string {
	if s.EvictionHard == nil {
		return DefaultEvictionHard()
	}
	merged := map[string]string{}
	if s.MergeDefaultEvictionSettings {
		merged = DefaultEvictionHard()
	}
	maps.Copy(merged, s.EvictionHard)
	return merged
}

func parseThresholds(field string, statements map[string]string) ([]Threshold, error) {
	var found []Threshold
	for name, text := range statements {
		value, err := parseValue(name, text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", field, err)
		case text == "0%", text == "100%":
		case value.quantity != nil && value.quantity.IsZero():
			return nil, fmt.Errorf("%s: %s is %q: want more than nothing", field, name, text)
		case value.percentage > 1:
			return nil, fmt.Errorf("%s: %s is %q: want no more than 100%%", field, name, text)
		default:
			found = append(found, Threshold{Signal: Signal(name), Value: value})
		}
	}
	slices.SortFunc(found, func(a, b Threshold) int { return cmp.Compare(a.Signal.order(), b.Signal.order()) })
	return found, nil
}

func parseGraces(statements map[string]string) (map[Signal]time.Duration, error) {
	found := map[Signal]time.Duration{}
	for name, text := range statements {
		grace, err := time.ParseDuration(text)
		if err == nil && !Signal(name).valid() {
			err = unknownSignal(name)
		}
		if err == nil && grace < 0 {
			err = fmt.Errorf("%q is negative", text)
		}
		if err != nil {
			return nil, fmt.Errorf("evictionSoftGracePeriod: %s: %w", name, err)
		}
		found[Signal(name)] = grace
	}
	return found, nil
}

func parseReclaims(statements map[string]string) (map[Signal]Value, error) {
	found := map[Signal]Value{}
	for name, text := range statements {
		value, err := parseValue(name, text)
		if err == nil && strings.HasSuffix(text, "%") && value.percentage <= 0 {
			err = fmt.Errorf("%s is %q: want more than nothing", name, text)
		}
		if err != nil {
			return nil, fmt.Errorf("evictionMinimumReclaim: %w", err)
		}
		found[Signal(name)] = value
	}
	return found, nil
}

// parseValue reads an amount, or a share of the capacity.
func parseValue(signal, text string) (Value, error) {
	if !Signal(signal).valid() {
		return Value{}, unknownSignal(signal)
	}
	if share, ok := strings.CutSuffix(text, "%"); ok {
		percent, err := strconv.ParseFloat(share, 32)
		if err != nil || percent < 0 {
			return Value{}, fmt.Errorf("%s is %q: want a share of the capacity, as in 10%%", signal, text)
		}
		return Value{percentage: float32(percent) / 100}, nil
	}
	quantity, err := resource.ParseQuantity(text)
	if err != nil || quantity.Sign() < 0 {
		return Value{}, fmt.Errorf("%s is %q: want an amount or a share of the capacity, as in 100Mi or 10%%", signal, text)
	}
	return Value{quantity: &quantity}, nil
}

func unknownSignal(name string) error {
	return fmt.Errorf("there is no signal %q: want one of %s", name, strings.Join(signalNames(), ", "))
}
