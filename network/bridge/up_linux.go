package bridge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/nft"
)

// Up brings the network into being, or repairs it: the bridge with its address, the kernel's settings, the packet rules and the
// configuration for the runtime. It needs root.
func (n *Network) Up(ctx context.Context) error {
	passage := hostPassage()
	steps := []struct {
		what string
		do   func() error
	}{
		{"looking what bridges of this host do", n.checkPassage},
		{"making bridge " + n.Interface(), n.raiseBridge},
		{"setting kernel parameters", func() error { return n.setParameters(passage) }},
		{"setting the bridge's ports", func() error { return n.setPorts(passage) }},
		{"writing packet rules", func() error { return n.writeTable(ctx) }},
		{"configuring CNI", func() error { return n.writeConflist(passage) }},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return fmt.Errorf("pod network %s: %s: %w", n.options.Name, step.what, err)
		}
	}
	return nil
}

// Down removes everything that Up made. Pods have to be gone: theirs would lose their network. Calling it again is no error.
func (n *Network) Down(ctx context.Context) error {
	return errors.Join(n.removeBridge(), n.removeTable(ctx), os.RemoveAll(n.options.Dir))
}

// Remove does what Down does, for a network of which nothing is known any more but its name and its directory. It needs the nft
// program only if there is anything for it to do.
func Remove(ctx context.Context, name, dir string) error {
	n := &Network{options: Options{Name: name, Dir: dir}}
	return errors.Join(
		nft.RemoveTables(ctx, func(table string) bool { return table == n.table() }),
		n.removeBridge(),
		os.RemoveAll(dir))
}

// raiseBridge makes the device, gives it our addresses and no others, and the routes to services and load balancers.
func (n *Network) raiseBridge() error {
	link, err := netlink.LinkByName(n.Interface())
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		attributes := netlink.NewLinkAttrs()
		attributes.Name = n.Interface()
		attributes.HardwareAddr = n.hardwareAddress()
		attributes.MTU = n.options.MTU
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attributes}); err != nil {
			return err
		}
		link, err = netlink.LinkByName(n.Interface())
	}
	if err != nil {
		return err
	}
	if link.Type() != "bridge" {
		return fmt.Errorf("%s exists and is a %s: remove it or choose another name", n.Interface(), link.Type())
	}
	if err := n.enableIPv6(); err != nil {
		return err
	}
	for _, f := range n.families() {
		if err := n.setAddress(f, link); err != nil {
			return err
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	return n.setRoutes(link)
}

// setRoutes leads packets to services and load balancers out, so that the host's own processes have an address to send them from: they
// are translated on the way.
func (n *Network) setRoutes(link netlink.Link) error {
	for _, to := range slices.Concat(n.options.ServiceCIDRs, n.options.BalancerCIDRs) {
		if !n.pods(ipfamily.Of(to.Addr())).IsValid() {
			continue // there is no address to send from
		}
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(to), Scope: netlink.SCOPE_LINK, Src: n.gateway(ipfamily.Of(to.Addr())).AsSlice()}
		if err := netlink.RouteReplace(route); err != nil {
			return err
		}
	}
	return nil
}

// setAddress leaves the bridge with exactly the gateway's address of a family, but for the one of the link itself. It is there at once:
// nobody else has it, and the kernel would ask whether somebody has when there is a pod, and not before.
func (n *Network) setAddress(f ipfamily.Family, link netlink.Link) error {
	wanted := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(n.gateway(f), n.pods(f).Bits()))}
	kind := netlink.FAMILY_V4
	if f == ipfamily.IPv6 {
		kind, wanted.Flags = netlink.FAMILY_V6, unix.IFA_F_NODAD
	}
	present, err := netlink.AddrList(link, kind)
	if err != nil {
		return err
	}
	for _, address := range present {
		if address.IPNet.String() == wanted.IPNet.String() || f == ipfamily.IPv6 && address.IP.IsLinkLocalUnicast() {
			continue
		}
		if err := netlink.AddrDel(link, &address); err != nil {
			return err
		}
	}
	return netlink.AddrReplace(link, wanted)
}

// hardwareAddress is fixed, because pods remember it: a bridge without one takes the lowest of its ports', and so a new one
// when a pod ends.
func (n *Network) hardwareAddress() net.HardwareAddr {
	gateway := n.Gateway().AsSlice()
	return append(net.HardwareAddr{0x02, 0x4f}, gateway[len(gateway)-4:]...)
}

// removeBridge deletes the device, and with it its addresses and routes.
func (n *Network) removeBridge() error {
	link, err := netlink.LinkByName(n.Interface())
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("removing bridge %s: %w", n.Interface(), err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
