package cli

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"
)

// nodePortsFlag is kube-proxy's name for it.
const nodePortsFlag = "nodeport-addresses"

// primaryAddresses is kube-proxy's word for the addresses of the Node.
const primaryAddresses = "primary"

// nodePortAddresses are on which of a machine's addresses node ports are served: a flag. The zero value means on all but loopback ones.
type nodePortAddresses struct {
	primary bool
	ranges  []netip.Prefix
}

var _ pflag.Value = (*nodePortAddresses)(nil)

// Set reads what a person has typed.
func (n *nodePortAddresses) Set(text string) error {
	read := nodePortAddresses{}
	if read.primary = text == primaryAddresses; !read.primary {
		for part := range strings.SplitSeq(text, ",") {
			r, err := netip.ParsePrefix(strings.TrimSpace(part))
			if err != nil && text != "" {
				return fmt.Errorf("want ranges such as 192.168.1.0/24,fd00:1::/64, or %s", primaryAddresses)
			}
			if err == nil {
				read.ranges = append(read.ranges, r)
			}
		}
	}
	*n = read
	return nil
}

func (n *nodePortAddresses) String() string {
	if n.primary {
		return primaryAddresses
	}
	return commaed(n.ranges)
}

// Type is what the flag's value is called.
func (*nodePortAddresses) Type() string { return "ranges" }

// of are the ranges, on a node that has some addresses itself; none means all of the machine's.
func (n *nodePortAddresses) of(node []netip.Addr) []netip.Prefix {
	if !n.primary {
		return n.ranges
	}
	all := make([]netip.Prefix, len(node))
	for i, address := range node {
		all[i] = netip.PrefixFrom(address, address.BitLen())
	}
	return all
}

func (n *nodePortAddresses) addFlag(flags *pflag.FlagSet) {
	flags.Var(n, nodePortsFlag, "`ranges` of the addresses of this machine on which node ports are served, as in 192.168.1.0/24,fd00:1::/64, or "+primaryAddresses+" for those of the Node, as kube-proxy takes them; by default all but loopback ones")
}
