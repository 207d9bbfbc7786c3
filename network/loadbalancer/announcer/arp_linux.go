package announcer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// arpPacket is an ARP packet for IPv4 on Ethernet: https://www.rfc-editor.org/rfc/rfc826
type arpPacket struct {
	operation          uint16
	senderMAC, destMAC net.HardwareAddr
	senderIP, destIP   netip.Addr
}

const (
	arpRequest = 1
	arpReply   = 2
	arpLength  = 28
)

// arpHeader says Ethernet, IPv4, and the lengths of their addresses.
var arpHeader = []byte{0, 1, 8, 0, 6, 4}

func (p arpPacket) marshal() []byte {
	b := append(make([]byte, 0, arpLength), arpHeader...)
	b = binary.BigEndian.AppendUint16(b, p.operation)
	b = append(append(b, p.senderMAC...), p.senderIP.AsSlice()...)
	return append(append(b, p.destMAC...), p.destIP.AsSlice()...)
}

// parseARP reads a packet; ok is false for one of another kind.
func parseARP(b []byte) (p arpPacket, ok bool) {
	if len(b) < arpLength || string(b[:6]) != string(arpHeader) {
		return p, false
	}
	return arpPacket{
		operation: binary.BigEndian.Uint16(b[6:8]),
		senderMAC: net.HardwareAddr(append([]byte(nil), b[8:14]...)), senderIP: netip.AddrFrom4([4]byte(b[14:18])),
		destMAC: net.HardwareAddr(append([]byte(nil), b[18:24]...)), destIP: netip.AddrFrom4([4]byte(b[24:28])),
	}, true
}

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// responder answers on one link.
type responder struct {
	link   *net.Interface
	socket *os.File

	mu        sync.Mutex
	addresses map[netip.Addr]bool
}

// newResponder listens on a link. It needs the right to open raw sockets.
func newResponder(name string) (*responder, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("finding link %s: %w", name, err)
	}
	const protocol = unix.ETH_P_ARP<<8&0xff00 | unix.ETH_P_ARP>>8 // in the order of the network
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("listening for ARP on %s: %w", name, err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: link.Index}); err != nil {
		return nil, errors.Join(fmt.Errorf("listening for ARP on %s: %w", name, err), unix.Close(fd))
	}
	r := &responder{link: link, socket: os.NewFile(uintptr(fd), "ARP on "+name), addresses: map[netip.Addr]bool{}}
	go r.serve()
	return r, nil
}

// serve answers until the socket is closed.
func (r *responder) serve() {
	buffer := make([]byte, 128)
	for {
		n, err := r.socket.Read(buffer)
		if errors.Is(err, unix.ENETDOWN) {
			continue // it is told once, and the link may come up again
		}
		if err != nil {
			return
		}
		if asked, ok := parseARP(buffer[:n]); ok {
			r.answer(asked)
		}
	}
}

// answer answers a question about one of the addresses. That an answer cannot be sent is no more than that it is lost.
func (r *responder) answer(asked arpPacket) {
	r.mu.Lock()
	mine := r.addresses[asked.destIP]
	r.mu.Unlock()
	if !mine || asked.operation != arpRequest || asked.senderMAC.String() == r.link.HardwareAddr.String() {
		return
	}
	_ = r.send(asked.senderMAC, arpPacket{arpReply, r.link.HardwareAddr, asked.senderMAC, asked.destIP, asked.senderIP})
}

// add answers for an address from now on. Those who know another machine for it learn so by both forms of a gratuitous packet, for some
// heed only one: https://www.rfc-editor.org/rfc/rfc5227#section-3
func (r *responder) add(address netip.Addr) error {
	r.mu.Lock()
	r.addresses[address] = true
	r.mu.Unlock()
	own := r.link.HardwareAddr
	return errors.Join(
		r.send(broadcast, arpPacket{arpRequest, own, make(net.HardwareAddr, 6), address, address}),
		r.send(broadcast, arpPacket{arpReply, own, broadcast, address, address}))
}

// remove falls silent about an address, and says how many are left.
func (r *responder) remove(address netip.Addr) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.addresses, address)
	return len(r.addresses)
}

func (r *responder) send(to net.HardwareAddr, p arpPacket) error {
	connection, err := r.socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("sending ARP on %s: %w", r.link.Name, err)
	}
	destination := &unix.SockaddrLinklayer{Protocol: unix.ETH_P_ARP<<8&0xff00 | unix.ETH_P_ARP>>8, Ifindex: r.link.Index, Halen: 6}
	copy(destination.Addr[:], to)
	var sent error
	err = connection.Write(func(fd uintptr) bool {
		sent = unix.Sendto(int(fd), p.marshal(), 0, destination)
		return !errors.Is(sent, unix.EAGAIN)
	})
	if err = errors.Join(err, sent); err != nil {
		return fmt.Errorf("sending ARP on %s: %w", r.link.Name, err)
	}
	return nil
}

func (r *responder) close() error { return r.socket.Close() }
