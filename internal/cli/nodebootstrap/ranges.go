package nodebootstrap

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
)

// checkRanges says that this machine has an address which the cluster gives to pods or Services: what is sent to those would not leave it.
func checkRanges(n clusterinfo.Networking) error {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("listing this machine's addresses: %w", err)
	}
	var local []netip.Prefix
	for _, address := range addresses {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil {
			local = append(local, prefix)
		}
	}
	return clash(n, local)
}

// clash is about an address itself, and not about all of the network that it is in: that may be a wide one which nobody fills.
func clash(n clusterinfo.Networking, local []netip.Prefix) error {
	for _, of := range []struct {
		what  string
		taken netip.Prefix
	}{{"pods", n.PodSubnet}, {"Services", n.ServiceSubnet}, {"pods", n.PodSubnetIPv6}, {"Services", n.ServiceSubnetIPv6}} {
		for _, l := range local {
			if of.taken.IsValid() && of.taken.Contains(l.Addr()) {
				return fmt.Errorf("this machine has the address %s, which is of the range %s that the cluster gives to %s: remove what has it here, as another instance of orrery, and join again",
					l.Addr(), of.taken, of.what)
			}
		}
	}
	return nil
}
