package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
)

// Addresses are the ranges of addresses of an instance. No two instances of a machine share one.
type Addresses struct {
	// Pods is the range that nodes get their ranges of pod addresses from.
	Pods netip.Prefix `json:"pods"`
	// Services is the range of service addresses.
	Services netip.Prefix `json:"services"`
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
	return Addresses{}, fmt.Errorf("choosing addresses for instance %s: all of 10.200.0.0/16 to 10.%d.0.0/16 are in use on this machine", i.Name, 199+rooms)
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
	siblings, err := os.ReadDir(filepath.Dir(i.Dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // the first instance has none
		return nil, fmt.Errorf("listing the instances beside %s: %w", i.Dir, err)
	}
	for _, sibling := range siblings {
		other := Instance{Name: sibling.Name(), Dir: filepath.Join(filepath.Dir(i.Dir), sibling.Name())}
		if settings, err := other.Settings(); err == nil && other.Name != i.Name && settings.Addresses.Pods.IsValid() {
			taken = append(taken, settings.Addresses.Pods, settings.Addresses.Services)
		}
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
