package cli

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	kubectrlmgrconfigv1alpha1 "k8s.io/kube-controller-manager/config/v1alpha1"
	kubeoptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	hpaconfig "k8s.io/kubernetes/pkg/controller/podautoscaler/config"
	hpadefaults "k8s.io/kubernetes/pkg/controller/podautoscaler/config/v1alpha1"
)

func TestAutoscalingFlagsAreKubeControllerManagers(t *testing.T) {
	theirs, ours := pflag.NewFlagSet("theirs", pflag.ContinueOnError), pflag.NewFlagSet("ours", pflag.ContinueOnError)
	(&kubeoptions.HPAControllerOptions{HPAControllerConfiguration: upstreamDefaults(t)}).AddFlags(theirs)
	(&autoscalingFlags{}).addFlags(ours)
	theirs.VisitAll(func(flag *pflag.Flag) {
		if own := ours.Lookup(flag.Name); own == nil || own.DefValue != flag.DefValue {
			t.Errorf("--%s is %+v, want the default %s", flag.Name, own, flag.DefValue)
		}
	})
}

func upstreamDefaults(t *testing.T) *hpaconfig.HPAControllerConfiguration {
	t.Helper()
	external := &kubectrlmgrconfigv1alpha1.HPAControllerConfiguration{}
	hpadefaults.RecommendedDefaultHPAControllerConfiguration(external)
	internal := &hpaconfig.HPAControllerConfiguration{}
	if err := hpadefaults.Convert_v1alpha1_HPAControllerConfiguration_To_config_HPAControllerConfiguration(external, internal, nil); err != nil {
		t.Fatal(err)
	}
	return internal
}

func parseAutoscaling(args ...string) (*autoscalingFlags, error) {
	f := &autoscalingFlags{}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	f.addFlags(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return f, f.check()
}

func TestAutoscalingFlagsOfNothingAreObeyed(t *testing.T) {
	f, err := parseAutoscaling(
		"--horizontal-pod-autoscaler-downscale-stabilization=0", "--horizontal-pod-autoscaler-tolerance=0",
		"--horizontal-pod-autoscaler-cpu-initialization-period=0", "--horizontal-pod-autoscaler-initial-readiness-delay=0s",
		"--horizontal-pod-autoscaler-sync-period=1s",
	)
	if err != nil {
		t.Fatal(err)
	}
	o := f.options()
	if o.SyncPeriod != time.Second || max(o.DownscaleStabilization, o.CPUInitializationPeriod, o.InitialReadinessDelay) > time.Microsecond || o.Tolerance > 1e-9 {
		t.Errorf("%+v", o)
	}
	if o.DownscaleStabilization == 0 || o.CPUInitializationPeriod == 0 || o.InitialReadinessDelay == 0 || o.Tolerance == 0 {
		t.Errorf("%+v: what is 0 becomes the loop's own default", o)
	}
}

func TestAutoscalingFlagsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, arg := range []string{
		"--concurrent-horizontal-pod-autoscaler-syncs=0", "--horizontal-pod-autoscaler-sync-period=0s", "--horizontal-pod-autoscaler-tolerance=-1",
		"--horizontal-pod-autoscaler-tolerance=NaN", "--horizontal-pod-autoscaler-downscale-stabilization=-1s",
		"--horizontal-pod-autoscaler-initial-readiness-delay=-1s", "--horizontal-pod-autoscaler-cpu-initialization-period=-1s",
	} {
		name, _, _ := strings.Cut(arg, "=")
		if _, err := parseAutoscaling(arg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", arg, err)
		}
	}
}
