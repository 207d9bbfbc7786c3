package overlay

import (
	"fmt"
	"net"
	"net/netip"
)

// Port is where nodes send packets of pods to, by UDP: that which IANA has given to VXLAN.
const Port = 4789

// Overhead is how many bytes of a packet between nodes are not those of the packet of a pod that it carries.
const Overhead = 50

// Device is a device of VXLAN.
type Device struct {
	Name string
	// Network is its number, of 24 bits. Devices of the same number belong together.
	Network int
	// Local is this node's address, which peers send to.
	Local netip.Addr
	// MTU is how large a packet may be that it takes.
	MTU int
}

// New is the device of a node in the cluster that has a range of pods. mtu is that of the link by which the node reaches the others.
func New(pods netip.Prefix, local netip.Addr, mtu int) Device {
	return Device{Name: Name(pods), Network: network(pods), Local: local, MTU: mtu - Overhead}
}

// Name is what the device is called, on every node of the cluster that has a range of pods.
func Name(pods netip.Prefix) string { return fmt.Sprintf("orr-vx-%06x", network(pods)) }

// network is the beginning of the range of pods.
func network(pods netip.Prefix) int {
	address := pods.Masked().Addr().As4()
	return int(address[0])<<16 | int(address[1])<<8 | int(address[2])
}

// hardware is the hardware address of a node's device: of those that anybody may choose, the one with the node's address in it.
func hardware(node netip.Addr) net.HardwareAddr {
	address := node.As4()
	return append(net.HardwareAddr{0x0a, 0x58}, address[:]...)
}

// State is what the kernel has.
type State struct {
	// Device is nil if there is none of the name, or another kind of device.
	Device *Device
	// Peers are the nodes that it sends to, in the order of their addresses.
	Peers []netip.Addr
}

// String is the device as `ip link` would make it.
func (d Device) String() string {
	return fmt.Sprintf("%s of VXLAN %d from %s, MTU %d", d.Name, d.Network, d.Local, d.MTU)
}
