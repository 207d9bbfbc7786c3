package cli

import (
	"testing"

	"github.com/spf13/pflag"
	componentbaseconfig "k8s.io/component-base/config"
	"k8s.io/component-base/config/options"
	configv1alpha1 "k8s.io/component-base/config/v1alpha1"
)

func TestElectionIsAskedForByUpstreamsFlagsAndTimes(t *testing.T) {
	var recommended configv1alpha1.LeaderElectionConfiguration
	configv1alpha1.RecommendedDefaultLeaderElectionConfiguration(&recommended)
	upstream, ours := pflag.NewFlagSet("upstream", pflag.ContinueOnError), pflag.NewFlagSet("ours", pflag.ContinueOnError)
	options.BindLeaderElectionFlags(&componentbaseconfig.LeaderElectionConfiguration{
		LeaseDuration: recommended.LeaseDuration, RenewDeadline: recommended.RenewDeadline, RetryPeriod: recommended.RetryPeriod,
	}, upstream)
	(&electionFlags{}).addFlags(ours)
	upstream.VisitAll(func(f *pflag.Flag) {
		switch own := ours.Lookup(f.Name); {
		case f.Name == "leader-elect-resource-lock": // there are only Leases
		case own == nil:
			t.Errorf("there is no --%s", f.Name)
		case own.Value.Type() == "duration" && own.DefValue != f.DefValue:
			t.Errorf("--%s is %s by default, want %s", f.Name, own.DefValue, f.DefValue)
		}
	})
}

func TestWithoutLeaderElectAManagerBeginsAtOnce(t *testing.T) {
	for _, elect := range []bool{false, true} {
		flags, f := pflag.NewFlagSet("manager", pflag.ContinueOnError), electionFlags{}
		f.addFlags(flags)
		if elect {
			if err := flags.Parse([]string{"--leader-elect", "--leader-elect-resource-namespace=shop"}); err != nil {
				t.Fatal(err)
			}
		}
		e := f.election()
		if (e != nil) != elect || elect && (e.Namespace != "shop" || e.Name == "") {
			t.Errorf("with --leader-elect=%t the election is %+v", elect, e)
		}
	}
}
