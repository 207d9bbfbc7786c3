package nodebootstrap

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
)

func TestRangesThatTheMachineUses(t *testing.T) {
	cluster := clusterinfo.Networking{PodSubnet: netip.MustParsePrefix("10.200.0.0/16"), ServiceSubnet: netip.MustParsePrefix("10.96.0.0/16")}
	for _, tt := range []struct{ name, local, says string }{
		{"another network is fine", "192.0.2.2/24", ""},
		{"so is a wide one that the ranges are cut out of", "10.0.0.2/8", ""},
		{"the bridge of another instance is not", "10.200.0.1/24", "10.200.0.1, which is of the range 10.200.0.0/16 that the cluster gives to pods"},
		{"nor an address of Services", "10.96.0.1/32", "10.96.0.0/16 that the cluster gives to Services"},
	} {
		err := clash(cluster, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix(tt.local)})
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: the error is %v, want %q in it", tt.name, err, tt.says)
		}
	}
}
