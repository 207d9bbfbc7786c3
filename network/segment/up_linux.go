package segment

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/nft"
)

// Up brings the host's part of the segment into being, or repairs it: the bridge with its address, the kernel's settings and the packet
// rules. It needs root.
func (s *Segment) Up(ctx context.Context) error {
	steps := []struct {
		what string
		do   func() error
	}{
		{"making bridge " + InterfaceName(s.options.Name), s.raiseBridge},
		{"setting kernel parameters", s.setParameters},
		{"writing packet rules", func() error { return s.writeTable(ctx) }},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return fmt.Errorf("nodes' segment %s: %s: %w", s.options.Name, step.what, err)
		}
	}
	return nil
}

// Remove removes all that belongs to a segment, of which nothing is known but its name. Who is in its namespaces has to be gone. Calling
// it again is no error.
func Remove(ctx context.Context, name string) error {
	nodes, err := Nodes(name)
	errs := []error{err}
	for _, n := range nodes {
		errs = append(errs, Leave(name, n))
	}
	return errors.Join(append(errs, removeBridge(name),
		nft.RemoveTables(ctx, func(table string) bool { return table == TableName(name) }))...)
}

func (s *Segment) raiseBridge() error {
	name := InterfaceName(s.options.Name)
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		attributes := netlink.NewLinkAttrs()
		attributes.Name, attributes.HardwareAddr = name, hardwareAddress(s.Address(1))
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attributes}); err != nil {
			return err
		}
		link, err = netlink.LinkByName(name)
	}
	if err != nil {
		return err
	}
	if link.Type() != "bridge" {
		return fmt.Errorf("%s exists and is a %s: remove it or choose another name", name, link.Type())
	}
	if err := s.enableIPv6(); err != nil {
		return err
	}
	for _, own := range s.networks(1) {
		if err := netlink.AddrReplace(link, addressOf(own)); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(link)
}

// addressOf is an address for a link. It is there at once: nobody else has it.
func addressOf(own netip.Prefix) *netlink.Addr {
	address := &netlink.Addr{IPNet: ipNet(own)}
	if own.Addr().Is6() {
		address.Flags = unix.IFA_F_NODAD
	}
	return address
}

// setParameters has the host forward. It must not tell nodes to talk past it. That it forwards IPv6 the network of its pods has seen to.
func (s *Segment) setParameters() error {
	return set([]parameter{
		{"net/ipv4/ip_forward", "1"},
		{"net/ipv4/conf/all/send_redirects", "0"},
		{"net/ipv4/conf/" + InterfaceName(s.options.Name) + "/send_redirects", "0"},
	})
}

// enableIPv6 has the bridge take addresses of IPv6, where nodes have some, also on a host on which new devices do not.
func (s *Segment) enableIPv6() error {
	if !s.hasIPv6() {
		return nil
	}
	return set([]parameter{{"net/ipv6/conf/" + InterfaceName(s.options.Name) + "/disable_ipv6", "0"}})
}

// parameter is a setting of the kernel, by its path in /proc/sys.
type parameter struct{ name, value string }

// set writes only what differs: parts of /proc/sys may be read-only and right.
func set(parameters []parameter) error {
	for _, parameter := range parameters {
		file := "/proc/sys/" + parameter.name
		current, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(current)) == parameter.value {
			continue
		}
		if err := os.WriteFile(file, []byte(parameter.value), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeTable writes our table: nodes that talk to the outside do so with the host's address. Their pods have theirs by then.
func (s *Segment) writeTable(ctx context.Context) error {
	table, err := knftables.New(knftables.InetFamily, TableName(s.options.Name))
	if err != nil {
		return fmt.Errorf("using nftables: %w", err)
	}
	const chain = "postrouting"
	tx := table.NewTransaction()
	tx.Add(&knftables.Table{Comment: knftables.PtrTo("nodes of " + s.options.Name)})
	tx.Add(&knftables.Chain{
		Name:     chain,
		Type:     knftables.PtrTo(knftables.NATType),
		Hook:     knftables.PtrTo(knftables.PostroutingHook),
		Priority: knftables.PtrTo(knftables.SNATPriority),
	})
	tx.Flush(&knftables.Chain{Name: chain})
	for _, r := range s.options.Ranges {
		f := ipfamily.Of(r.Addr())
		tx.Add(&knftables.Rule{Chain: chain, Rule: knftables.Concat(
			f.Keyword(), "saddr", r, f.Keyword(), "daddr !=", f.Range(s.options.ClusterCIDRs), "masquerade",
		)})
	}
	return table.Run(ctx, tx)
}

// removeBridge deletes the bridge, and whatever cables still end at it.
func removeBridge(name string) error {
	bridge, err := netlink.LinkByName(InterfaceName(name))
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing bridge %s: %w", InterfaceName(name), err)
	}
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("listing links: %w", err)
	}
	for _, link := range links {
		if link.Attrs().MasterIndex == bridge.Attrs().Index {
			if err := removeLink(link.Attrs().Name); err != nil {
				return err
			}
		}
	}
	return removeLink(InterfaceName(name))
}

// removeLink deletes a device with its addresses and routes, and the other end of a pair.
func removeLink(name string) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil && !errors.As(err, &netlink.LinkNotFoundError{}) {
		return fmt.Errorf("removing link %s: %w", name, err)
	}
	return nil
}

// hardwareAddress is fixed for an address, so that nobody has to learn another when a device was made anew.
func hardwareAddress(ip netip.Addr) net.HardwareAddr {
	a := ip.As4()
	return net.HardwareAddr{0x02, 0x4e, a[0], a[1], a[2], a[3]}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
