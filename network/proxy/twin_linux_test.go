package proxy

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// TestTheTableOfIPv6IsThatOfIPv4InOtherAddresses compares the tables of random worlds with those of their twins, of which every address
// is one of IPv6.
func TestTheTableOfIPv6IsThatOfIPv4InOtherAddresses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomIPv4(t)
		want := lines(inIPv6(tableFor(w).String()))
		if diff := cmp.Diff(want, lines(tableFor(twin(w)).String())); diff != "" {
			t.Errorf("the table of the twin differs (-want +got):\n%s", diff)
		}
	})
}

// TestTheTableOfBothFamiliesIsThatOfEach compares the table of a cluster with two families with those of one with either.
func TestTheTableOfBothFamiliesIsThatOfEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomIPv4(t)
		want := append(lines(tableFor(w).String()), lines(tableFor(twin(w)).String())...)
		slices.Sort(want)
		if diff := cmp.Diff(slices.Compact(want), slices.Compact(lines(tableFor(dual(w)).String()))); diff != "" {
			t.Errorf("the table differs (-want +got):\n%s", diff)
		}
	})
}

// lines are those of a text, sorted: keys of the two families have different orders.
func lines(text string) []string {
	all := strings.Split(text, "\n")
	slices.Sort(all)
	return all
}

// twinOf is the address of IPv6 that ends as one of IPv4 is.
func twinOf(address netip.Addr) netip.Addr {
	four := address.As4()
	six := [16]byte{0: 0xfd}
	copy(six[12:], four[:])
	return netip.AddrFrom16(six)
}

func twinRange(r netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(twinOf(r.Addr()), 96+r.Bits())
}

// twin is a world in which every address is the twin of what it was.
func twin(w World) World {
	t := w
	t.ClusterCIDRs, t.ServiceCIDRs = []netip.Prefix{twinRange(w.ClusterCIDRs[0])}, []netip.Prefix{twinRange(w.ServiceCIDRs[0])}
	t.Services, t.Slices = nil, nil
	for _, s := range w.Services {
		s = s.DeepCopy()
		s.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv6Protocol}
		s.Spec.ClusterIPs = twins(s.Spec.ClusterIPs)
		s.Spec.ClusterIP = s.Spec.ClusterIPs[0]
		for i, r := range s.Spec.LoadBalancerSourceRanges {
			s.Spec.LoadBalancerSourceRanges[i] = twinRange(netip.MustParsePrefix(r)).String()
		}
		for i, ingress := range s.Status.LoadBalancer.Ingress {
			s.Status.LoadBalancer.Ingress[i].IP = twins([]string{ingress.IP})[0]
		}
		t.Services = append(t.Services, s)
	}
	for _, s := range w.Slices {
		s = s.DeepCopy()
		s.Name, s.AddressType = s.Name+"-ipv6", discoveryv1.AddressTypeIPv6
		for i := range s.Endpoints {
			s.Endpoints[i].Addresses = twins(s.Endpoints[i].Addresses)
		}
		t.Slices = append(t.Slices, s)
	}
	return t
}

// dual is a world with all that it has of IPv4 and of IPv6.
func dual(w World) World {
	d, six := w, twin(w)
	d.ClusterCIDRs, d.ServiceCIDRs = slices.Concat(w.ClusterCIDRs, six.ClusterCIDRs), slices.Concat(w.ServiceCIDRs, six.ServiceCIDRs)
	d.Services = nil
	for i, s := range w.Services {
		s, other := s.DeepCopy(), six.Services[i]
		s.Spec.ClusterIPs = append(s.Spec.ClusterIPs, other.Spec.ClusterIPs...)
		s.Spec.LoadBalancerSourceRanges = append(s.Spec.LoadBalancerSourceRanges, other.Spec.LoadBalancerSourceRanges...)
		s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress, other.Status.LoadBalancer.Ingress...)
		d.Services = append(d.Services, s)
	}
	d.Slices = slices.Concat(w.Slices, six.Slices)
	return d
}

func twins(addresses []string) []string {
	all := make([]string, len(addresses))
	for i, address := range addresses {
		all[i] = twinOf(netip.MustParseAddr(address)).String()
	}
	return all
}

var (
	address4 = `(\d+\.\d+\.\d+\.\d+)`
	named    = regexp.MustCompile(`-` + address4 + `/`)
	ended    = regexp.MustCompile(address4 + `:`)
	ranged   = regexp.MustCompile(address4 + `/(\d+)`)
	single   = regexp.MustCompile(address4)
	ported   = regexp.MustCompile(`(/(?:tcp|udp)/\d+)`)
	setNames = regexp.MustCompile(`(@|set |map )(services|node-ports|refused|refused-node-ports|hairpins)\b( |$)`)
)

// inIPv6 writes a table of IPv4 in the words of IPv6.
func inIPv6(text string) string {
	six := func(address string) string { return twinOf(netip.MustParseAddr(address)).String() }
	text = strings.ReplaceAll(text, "127.0.0.0/8", ipfamily.IPv6.Loopback().String())
	text = named.ReplaceAllStringFunc(text, func(s string) string {
		return "-" + strings.ReplaceAll(six(named.FindStringSubmatch(s)[1]), ":", ".") + "/"
	})
	text = ended.ReplaceAllStringFunc(text, func(s string) string { return "[" + six(ended.FindStringSubmatch(s)[1]) + "]:" })
	text = ranged.ReplaceAllStringFunc(text, func(s string) string {
		parts := ranged.FindStringSubmatch(s)
		bits, _ := strconv.Atoi(parts[2]) // digits
		return six(parts[1]) + "/" + strconv.Itoa(96+bits)
	})
	text = single.ReplaceAllStringFunc(text, six)
	text = ported.ReplaceAllString(text, "${1}-ipv6")
	for _, word := range []string{"ip saddr", "ip daddr", "ip to"} {
		text = strings.ReplaceAll(text, word, "ip6"+word[len("ip"):])
	}
	text = strings.ReplaceAll(text, "ipv4_addr", "ipv6_addr")
	var all []string
	for line := range strings.SplitSeq(text, "\n") {
		all = append(all, setNames.ReplaceAllString(line, "${1}${2}-ipv6${3}"))
	}
	return strings.Join(all, "\n")
}
