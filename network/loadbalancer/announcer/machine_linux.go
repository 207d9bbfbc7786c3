package announcer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// machine is this machine's links, and what it answers for on them.
type machine struct {
	mu         sync.Mutex
	responders map[string]*responder // by link
}

var _ answers = (*machine)(nil)

// links are those that are up and speak Ethernet, with their IPv4 addresses.
func (m *machine) links() ([]Link, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	var all []Link
	for i := range interfaces {
		link := &interfaces[i]
		if link.Flags&net.FlagUp == 0 || link.Flags&(net.FlagLoopback|net.FlagPointToPoint) != 0 || len(link.HardwareAddr) != 6 {
			continue
		}
		addresses, err := link.Addrs()
		if err != nil { // it is gone meanwhile
			continue
		}
		l := Link{Name: link.Name}
		for _, a := range addresses {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is4() {
				l.Addresses = append(l.Addresses, prefix)
			}
		}
		all = append(all, l)
	}
	return all, nil
}

// present is what is answered for. What was on a link that is gone, or is another one by now, is not.
func (m *machine) present() []Announcement {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Announcement
	for name, r := range m.responders {
		if link, err := net.InterfaceByName(name); err != nil || link.Index != r.link.Index || link.HardwareAddr.String() != r.link.HardwareAddr.String() {
			_ = r.close() // nobody hears it
			delete(m.responders, name)
			continue
		}
		r.mu.Lock()
		for address := range r.addresses {
			all = append(all, Announcement{address, name})
		}
		r.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b Announcement) int { return a.Address.Compare(b.Address) })
	return all
}

func (m *machine) begin(a Announcement) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.responders[a.Link]
	if r == nil {
		var err error
		if r, err = newResponder(a.Link); err != nil {
			return err
		}
		m.responders[a.Link] = r
	}
	return r.add(a.Address)
}

func (m *machine) end(a Announcement) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.responders[a.Link]
	if r == nil || r.remove(a.Address) > 0 {
		return nil
	}
	delete(m.responders, a.Link)
	return r.close()
}

// silence ends all of it.
func (m *machine) silence() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for name, r := range m.responders {
		errs = append(errs, r.close())
		delete(m.responders, name)
	}
	return errors.Join(errs...)
}
