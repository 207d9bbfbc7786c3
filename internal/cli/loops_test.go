package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestRangesOfNodes(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string // the ranges of pods, of Services, and the lengths, or a part of the error
	}{
		{"by default one of IPv4", nil, "[10.244.0.0/16] [] 24 64"},
		{"one of each family", []string{"--cluster-cidr=10.0.0.0/16, fd00::/56", "--node-cidr-mask-size-ipv4=26", "--node-cidr-mask-size-ipv6=72"}, "[10.0.0.0/16 fd00::/56] [] 26 72"},
		{"without those of Services", []string{"--service-cluster-ip-range=10.244.0.0/20,fd00::/108"}, "[10.244.0.0/16] [10.244.0.0/20 fd00::/108] 24 64"},
		{"what is no range is an error", []string{"--cluster-cidr=10.0.0.0"}, `--cluster-cidr "10.0.0.0" is not a range of addresses such as 10.244.0.0/16, or two with a comma`},
		{"of Services too", []string{"--service-cluster-ip-range=10.0.0.0/16,"}, `--service-cluster-ip-range "10.0.0.0/16," is not a range`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f loopFlags
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			f.addFlags(flags)
			if err := flags.Parse(tt.args); err != nil {
				t.Fatal(err)
			}
			loops, err := f.loops()
			got := fmt.Sprint(loops.ClusterCIDRs, loops.ServiceCIDRs, loops.NodeCIDRMaskSizeIPv4, loops.NodeCIDRMaskSizeIPv6)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
