package cli

import (
	"fmt"
	"net/netip"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/spf13/pflag"
)

// The shortest and the longest prefixes of the ranges of an instance. Of the pods' range it has four parts that nodes, their addresses
// and load balancers get: a /24 each of IPv4, and a /64 of IPv6. Services have what the API server takes.
const (
	longestPods, longestPodsIPv6           = 22, 62
	longestServices, longestServicesIPv6   = 28, 124
	shortestServices, shortestServicesIPv6 = 12, 64
)

// serviceCIDRFlag is the flag of the range of Services; that of pods is clusterCIDRFlag.
const serviceCIDRFlag = "service-cluster-ip-range"

// rangeOptions are which addresses the pods and Services of an instance have, as a person has chosen them.
type rangeOptions struct {
	pods, services string
	// chosen is what they say; ranges that were left out are not valid.
	chosen instance.Addresses
}

func (o *rangeOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.pods, clusterCIDRFlag, "", "`range` of the pods' addresses, or two with a comma, IPv4 first and then IPv6, as in 10.244.0.0/16,fd00:10:244::/48, for pods and Services with addresses of both; it is remembered; by default the one that the instance had before, at first one that is free on this machine")
	flags.StringVar(&o.services, serviceCIDRFlag, "", "`range` of the Services' addresses, or two, as in 10.96.0.0/16,fd00:10:96::/112; as many as for pods")
}

// check reads the choice, and says what is wrong with it.
func (o *rangeOptions) check() error {
	pods, err := readRanges(clusterCIDRFlag, o.pods, longestPods, longestPodsIPv6, 0, 0)
	if err != nil {
		return err
	}
	services, err := readRanges(serviceCIDRFlag, o.services, longestServices, longestServicesIPv6, shortestServices, shortestServicesIPv6)
	if err != nil {
		return err
	}
	if (len(pods) == 2) != (len(services) == 2) {
		return fmt.Errorf("--%s %s and --%s %s: with two ranges of one, want two of the other, of which the second is of IPv6",
			clusterCIDRFlag, orDash(o.pods), serviceCIDRFlag, orDash(o.services))
	}
	for _, p := range pods {
		for _, s := range services {
			if p.Overlaps(s) {
				return fmt.Errorf("--%s %s and --%s %s overlap: choose two that do not", clusterCIDRFlag, p, serviceCIDRFlag, s)
			}
		}
	}
	o.chosen = instance.Addresses{
		Pods: ipfamily.IPv4.Range(pods), Services: ipfamily.IPv4.Range(services),
		PodsIPv6: ipfamily.IPv6.Range(pods), ServicesIPv6: ipfamily.IPv6.Range(services),
	}
	return nil
}

// readRanges reads the ranges of a flag: none, one of IPv4, or one of each family.
func readRanges(flag, value string, longest, longestIPv6, shortest, shortestIPv6 int) ([]netip.Prefix, error) {
	all, err := ranges(flag, value)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if len(all) > 2 || !all[0].Addr().Is4() || len(all) == 2 && !all[1].Addr().Is6() {
		return nil, fmt.Errorf("--%s %s: want one range of IPv4, or one of IPv4 and then one of IPv6", flag, value)
	}
	for _, r := range all {
		most, least := longest, shortest
		if r.Addr().Is6() {
			most, least = longestIPv6, shortestIPv6
		}
		switch {
		case r != r.Masked():
			return nil, fmt.Errorf("--%s %s has bits set behind its prefix: did you mean %s?", flag, r, r.Masked())
		case r.Bits() > most:
			return nil, fmt.Errorf("--%s %s is too small: want a prefix of at most /%d", flag, r, most)
		case r.Bits() < least:
			return nil, fmt.Errorf("--%s %s is too large: want a prefix of at least /%d", flag, r, least)
		}
	}
	return all, nil
}
