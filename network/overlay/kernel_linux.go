package overlay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Read reads what there is in the network namespace that this process is in.
func Read(name string) (State, error) {
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("looking for link %s: %w", name, err)
	}
	vxlan, ok := link.(*netlink.Vxlan)
	if !ok || vxlan.Learning || vxlan.Port != Port || link.Attrs().Flags&net.FlagUp == 0 {
		return State{}, nil
	}
	local, _ := netip.AddrFromSlice(vxlan.SrcAddr)
	local = local.Unmap()
	if !local.Is4() || !slices.Equal(link.Attrs().HardwareAddr, hardware(local)) {
		return State{}, nil
	}
	peers, err := peersOf(link)
	return State{Device: &Device{Name: name, Network: vxlan.VxlanId, Local: local, MTU: link.Attrs().MTU}, Peers: peers}, err
}

// peersOf are those of which both halves are there.
func peersOf(link netlink.Link) ([]netip.Addr, error) {
	neighbours, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("listing neighbours of %s: %w", link.Attrs().Name, err)
	}
	forwarded, err := netlink.NeighList(link.Attrs().Index, unix.AF_BRIDGE)
	if err != nil {
		return nil, fmt.Errorf("listing where %s sends to: %w", link.Attrs().Name, err)
	}
	var peers []netip.Addr
	for _, n := range neighbours {
		peer, ok := netip.AddrFromSlice(n.IP)
		peer = peer.Unmap()
		if !ok || !peer.Is4() || n.State&netlink.NUD_PERMANENT == 0 || !slices.Equal(n.HardwareAddr, hardware(peer)) {
			continue
		}
		if slices.ContainsFunc(forwarded, func(f netlink.Neigh) bool {
			return slices.Equal(f.HardwareAddr, hardware(peer)) && f.IP.Equal(peer.AsSlice())
		}) {
			peers = append(peers, peer)
		}
	}
	slices.SortFunc(peers, netip.Addr.Compare)
	return peers, nil
}

// Make makes the device, in place of one of its name. It has no peers.
func (d Device) Make() error {
	if err := Remove(d.Name); err != nil {
		return err
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name, attributes.MTU, attributes.HardwareAddr = d.Name, d.MTU, hardware(d.Local)
	link := &netlink.Vxlan{LinkAttrs: attributes, VxlanId: d.Network, SrcAddr: d.Local.AsSlice(), Port: Port}
	if err := netlink.LinkAdd(link); err != nil {
		return fmt.Errorf("making link %s: %w: is there another VXLAN of the number %d, or no module vxlan?", d, err, d.Network)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("setting link %s up: %w", d.Name, err)
	}
	return nil
}

// Add has the device send to a node.
func Add(name string, node netip.Addr) error {
	return eachHalf(name, node, "adding", netlink.NeighSet)
}

// Forget has the device not send to a node any more.
func Forget(name string, node netip.Addr) error {
	return eachHalf(name, node, "forgetting", func(n *netlink.Neigh) error {
		if err := netlink.NeighDel(n); !errors.Is(err, unix.ENOENT) {
			return err
		}
		return nil
	})
}

// eachHalf does something about both that the kernel has of a peer: its hardware address, and the node with it.
func eachHalf(name string, node netip.Addr, doing string, do func(*netlink.Neigh) error) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s node %s at %s: %w", doing, node, name, err)
	}
	half := netlink.Neigh{LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: node.AsSlice(), HardwareAddr: hardware(node)}
	neighbour, forwarded := half, half
	neighbour.Family, neighbour.Type = netlink.FAMILY_V4, unix.RTN_UNICAST
	forwarded.Family, forwarded.Flags = unix.AF_BRIDGE, netlink.NTF_SELF
	for _, n := range []*netlink.Neigh{&forwarded, &neighbour} {
		if err := do(n); err != nil {
			return fmt.Errorf("%s node %s at %s: %w", doing, node, name, err)
		}
	}
	return nil
}

// Remove removes the device of a name, with all its peers and the routes that lead over it.
func Remove(name string) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("removing link %s: %w", name, err)
	}
	return nil
}
