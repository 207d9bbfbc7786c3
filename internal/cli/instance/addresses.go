package instance

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Addresses are the ranges of addresses of an instance. No two instances of a machine share one.
type Addresses struct {
	// Pods is the range that nodes get their ranges of pod addresses from.
	Pods netip.Prefix `json:"pods"`
	// Services is the range of service addresses.
	Services netip.Prefix `json:"services"`
	// PodsIPv6 and ServicesIPv6 are those of IPv6; not valid where pods and Services have addresses of IPv4 alone.
	PodsIPv6     netip.Prefix `json:"podsIPv6,omitzero"`
	ServicesIPv6 netip.Prefix `json:"servicesIPv6,omitzero"`
}

// PodCIDRs are the ranges of pods, that of IPv4 first.
func (a Addresses) PodCIDRs() []netip.Prefix { return valid(a.Pods, a.PodsIPv6) }

// ServiceCIDRs are the ranges of services, that of IPv4 first.
func (a Addresses) ServiceCIDRs() []netip.Prefix { return valid(a.Services, a.ServicesIPv6) }

// Ranges are all of them.
func (a Addresses) Ranges() []netip.Prefix { return append(a.PodCIDRs(), a.ServiceCIDRs()...) }

func valid(ranges ...netip.Prefix) []netip.Prefix {
	return slices.DeleteFunc(ranges, func(r netip.Prefix) bool { return !r.IsValid() })
}

// SettleAddresses remembers the ranges that somebody has chosen; those that are not valid are left to the instance. Once it has been
// started there are no others. The instance must be acquired.
func (i *Instance) SettleAddresses(chosen Addresses) error {
	return i.choosing(func() error { return i.settleAddresses(chosen) })
}

func (i *Instance) settleAddresses(chosen Addresses) error {
	s, err := i.Settings()
	if err != nil || chosen == (Addresses{}) {
		return err
	}
	if i.hasData() {
		return i.keepsAddresses(s.Addresses, chosen)
	}
	taken, err := i.takenAddresses()
	if err != nil {
		return err
	}
	for _, r := range chosen.Ranges() {
		if at := slices.IndexFunc(taken, r.Overlaps); at >= 0 {
			return fmt.Errorf("the range %s that was chosen for instance %s overlaps with %s, which is in use on this machine: choose another", r, i.Name, taken[at])
		}
	}
	own, err := chooseApart(i.Name, append(taken, chosen.Ranges()...))
	if err != nil {
		return err
	}
	if !chosen.Pods.IsValid() {
		chosen.Pods = own.Pods
	}
	if !chosen.Services.IsValid() {
		chosen.Services = own.Services
	}
	s.Addresses = chosen
	return i.save(s)
}

// keepsAddresses is an error where something else was chosen than the instance has.
func (i *Instance) keepsAddresses(has, chosen Addresses) error {
	pods := chosen.Pods.IsValid() && (chosen.Pods != has.Pods || chosen.PodsIPv6 != has.PodsIPv6)
	services := chosen.Services.IsValid() && (chosen.Services != has.Services || chosen.ServicesIPv6 != has.ServicesIPv6)
	if !pods && !services {
		return nil
	}
	return fmt.Errorf("instance %s was started with the ranges %v for pods and %v for Services, of which its objects and containers have addresses: leave other ones out, or start another instance with --name",
		i.Name, has.PodCIDRs(), has.ServiceCIDRs())
}

// rooms is how many pairs of ranges there are: 10.200.0.0/16 and 10.96.0.0/16, 10.201.0.0/16 and 10.97.0.0/16, and so on.
const rooms = 48

// chooseAddresses takes the first pair of ranges that neither an interface of this machine nor another instance in the same
// data directory uses.
func (i *Instance) chooseAddresses() (Addresses, error) {
	taken, err := i.takenAddresses()
	if err != nil {
		return Addresses{}, err
	}
	return chooseApart(i.Name, taken)
}

// chooseApart takes the first pair of ranges that overlaps with none that are taken.
func chooseApart(name string, taken []netip.Prefix) (Addresses, error) {
next:
	for room := range byte(rooms) {
		a := addressesOf(room)
		for _, other := range taken {
			if a.Pods.Overlaps(other) || a.Services.Overlaps(other) {
				continue next
			}
		}
		return a, nil
	}
	return Addresses{}, fmt.Errorf("choosing addresses for instance %s: all of 10.200.0.0/16 to 10.%d.0.0/16 are in use on this machine", name, 199+rooms)
}

// Expected are the addresses that the instance has, or would choose if it was started now.
func (i *Instance) Expected() (Addresses, error) {
	if s, err := i.Settings(); err == nil && s.Addresses.Pods.IsValid() {
		return s.Addresses, nil
	}
	return i.chooseAddresses()
}

func addressesOf(room byte) Addresses {
	return Addresses{
		Pods:     netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 200 + room, 0, 0}), 16),
		Services: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 96 + room, 0, 0}), 16),
	}
}

func (i *Instance) takenAddresses() ([]netip.Prefix, error) {
	var taken []netip.Prefix
	local, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("listing this machine's addresses: %w", err)
	}
	for _, address := range local {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil {
			taken = append(taken, narrowed(prefix))
		}
	}
	siblings, err := i.siblings()
	if err != nil {
		return nil, err
	}
	for _, sibling := range siblings {
		taken = append(taken, sibling.Addresses.Ranges()...)
	}
	return taken, nil
}

// narrowed is a network that a machine is in, or only the machine's own address where the network is so wide that it leaves
// no room: of a 10.0.0.0/8 nobody uses every address.
func narrowed(network netip.Prefix) netip.Prefix {
	if network.Bits() < 12 {
		return netip.PrefixFrom(network.Addr(), network.Addr().BitLen())
	}
	return network
}
