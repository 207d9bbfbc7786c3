package cli

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/orrery-dev/orrery/controllers/autoscaling/horizontalpodautoscaler"
	"github.com/spf13/pflag"
)

// autoscalingFlags are kube-controller-manager's about HorizontalPodAutoscalers, with its defaults.
type autoscalingFlags struct {
	workers                                                             int
	syncPeriod, stabilization, cpuInitialization, initialReadinessDelay time.Duration
	tolerance                                                           float64
}

func (f *autoscalingFlags) addFlags(flags *pflag.FlagSet) {
	flags.IntVar(&f.workers, "concurrent-horizontal-pod-autoscaler-syncs", 5, "`number` of HorizontalPodAutoscalers that are looked at side by side")
	flags.DurationVar(&f.syncPeriod, "horizontal-pod-autoscaler-sync-period", 15*time.Second, "how often each HorizontalPodAutoscaler is looked at")
	flags.DurationVar(&f.stabilization, "horizontal-pod-autoscaler-downscale-stabilization", 5*time.Minute, "for how long no fewer replicas are kept than were recommended, where a HorizontalPodAutoscaler does not say")
	flags.Float64Var(&f.tolerance, "horizontal-pod-autoscaler-tolerance", 0.1, "by what `part` a metric may be off its target without anything being done, where a HorizontalPodAutoscaler does not say")
	flags.DurationVar(&f.cpuInitialization, "horizontal-pod-autoscaler-cpu-initialization-period", 5*time.Minute, "for how long after a pod's start its use of CPU counts only once it is ready")
	flags.DurationVar(&f.initialReadinessDelay, "horizontal-pod-autoscaler-initial-readiness-delay", 30*time.Second, "until how long after a pod's start one that became unready counts as one that has never been ready")
}

// check is for what was typed: a command without these flags has the zero value.
func (f *autoscalingFlags) check() error {
	if *f == (autoscalingFlags{}) {
		return nil
	}
	if f.workers < 1 {
		return fmt.Errorf("--concurrent-horizontal-pod-autoscaler-syncs %d: want 1 or more", f.workers)
	}
	if f.syncPeriod <= 0 {
		return fmt.Errorf("--horizontal-pod-autoscaler-sync-period %s: want more than 0", f.syncPeriod)
	}
	for _, flag := range []struct {
		name  string
		value time.Duration
	}{
		{"downscale-stabilization", f.stabilization}, {"cpu-initialization-period", f.cpuInitialization},
		{"initial-readiness-delay", f.initialReadinessDelay},
	} {
		if flag.value < 0 {
			return fmt.Errorf("--horizontal-pod-autoscaler-%s %s: want 0 or more", flag.name, flag.value)
		}
	}
	if !(f.tolerance >= 0) { // which is no number either
		return fmt.Errorf("--horizontal-pod-autoscaler-tolerance %v: want 0 or more", f.tolerance)
	}
	return nil
}

// options are those of the loop. It takes 0 for its own default: the least that there is means as much.
func (f *autoscalingFlags) options() horizontalpodautoscaler.Options {
	return horizontalpodautoscaler.Options{
		Workers: f.workers, SyncPeriod: f.syncPeriod, DownscaleStabilization: cmp.Or(f.stabilization, 1),
		Tolerance:               cmp.Or(f.tolerance, math.SmallestNonzeroFloat64),
		CPUInitializationPeriod: cmp.Or(f.cpuInitialization, 1), InitialReadinessDelay: cmp.Or(f.initialReadinessDelay, 1),
	}
}
