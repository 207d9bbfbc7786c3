package cli

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
)

// localhost is where the API server can always be reached, by what runs on this machine.
var localhost = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// servingOptions say where an API server can be reached, and by which names.
type servingOptions struct {
	bind, advertise netip.Addr
	names           []string
}

func (o *servingOptions) addFlags(flags *pflag.FlagSet) {
	flags.TextVar(&o.bind, "bind-address", localhost, "`address` of this machine on which others reach the API server, or 0.0.0.0 for all; it is always on 127.0.0.1, and where containers run on the address under which they reach it")
	flags.TextVar(&o.advertise, "advertise-address", netip.Addr{}, "`address` of the API server in the endpoints of the Service kubernetes; by default the one under which this machine's pods reach it")
	flags.StringSliceVar(&o.names, "tls-san", nil, "further `names` and addresses by which others reach the API server, as in --tls-san cp.example.com,192.0.2.7: its certificate covers them")
}

// check says what is wrong with the choice.
func (o *servingOptions) check() error {
	if !o.bind.IsValid() {
		o.bind = localhost
	}
	if a := o.advertise; a.IsValid() && (a.IsUnspecified() || a.IsLoopback() || a.IsMulticast()) {
		return fmt.Errorf("--advertise-address %s: want an address that pods can reach", a)
	}
	for _, name := range o.names {
		if _, err := netip.ParseAddr(name); err == nil {
			continue
		}
		problems := validation.IsDNS1123Subdomain(name)
		if strings.HasPrefix(name, "*.") {
			problems = validation.IsWildcardDNS1123Subdomain(name)
		}
		if len(problems) > 0 {
			return fmt.Errorf("--tls-san %q: want an address, or a name such as cp.example.com", name)
		}
	}
	return nil
}

// exposed says that others than this machine and its pods can reach the server.
func (o *servingOptions) exposed() bool { return !o.bind.IsLoopback() }

// first is the address of the first listener, which the components on this machine use.
func (o *servingOptions) first() netip.Addr {
	if o.bind.IsUnspecified() {
		return o.bind
	}
	return localhost
}

// forOthers opens the listener on which others reach the server. There is none where the first one is on every address, where
// nobody else is to reach it, and where the one for pods, at their gateway, is the same.
func (o *servingOptions) forOthers(ctx context.Context, port int, gateway netip.Addr) ([]net.Listener, error) {
	if o.bind.IsUnspecified() || o.bind == localhost || o.bind == gateway {
		return nil, nil
	}
	listener, err := listenAt(ctx, o.bind, port)
	if err != nil {
		return nil, fmt.Errorf("--bind-address %s cannot be used (%w): choose an address of this machine, or 0.0.0.0 for all", o.bind, err)
	}
	return []net.Listener{listener}, nil
}

// forPods opens the listener on which pods reach the server, at their gateway. There is none where the first one is on every
// address, and where there are no pods.
func (o *servingOptions) forPods(ctx context.Context, port int, gateway netip.Addr) ([]net.Listener, error) {
	if o.bind.IsUnspecified() || !gateway.IsValid() {
		return nil, nil
	}
	listener, err := listenAt(ctx, gateway, port)
	if err != nil {
		return nil, fmt.Errorf("listening for pods: %w", err)
	}
	return []net.Listener{listener}, nil
}

func listenAt(ctx context.Context, address netip.Addr, port int) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(address, uint16(port)).String())
}

// exposure is where and by which names others than this machine and its pods reach the API server of a control plane.
type exposure struct {
	others []net.Listener
	names  []string
}

// listenToOthers opens what others connect to. What is wrong with an address is so told before anything has been started.
func (p *controlPlane) listenToOthers(ctx context.Context) (err error) {
	if p.names, err = p.options.certified(); err != nil {
		return err
	}
	p.others, err = p.options.forOthers(ctx, p.port(), p.gateway())
	return err
}

// expose says to the API server where others and pods reach it. Pods do when their network is up.
func (p *controlPlane) expose(ctx context.Context, options *apiserver.Options) error {
	forPods, err := p.options.forPods(ctx, p.port(), p.gateway())
	if err != nil {
		return err
	}
	options.Also = append(p.others, forPods...)
	options.AdvertiseAddress, options.Names = p.options.advertised(p.gateway()), p.names
	if p.member != nil && !p.options.advertise.IsValid() {
		options.AdvertiseAddress = p.member.Address // where nodes reach it that know nothing of this machine's pods
	}
	return nil
}

// advertised is the address in the endpoints of the Service kubernetes. None means that there are none.
func (o *servingOptions) advertised(gateway netip.Addr) netip.Addr {
	switch {
	case o.advertise.IsValid():
		return o.advertise
	case gateway.IsValid():
		return gateway
	case o.exposed() && !o.bind.IsUnspecified():
		return o.bind
	default:
		return netip.Addr{}
	}
}

// outside is the IPv4 address at which other machines reach this one; not valid where they are not to, or cannot.
func (o *servingOptions) outside() netip.Addr {
	switch {
	case !o.exposed():
		return netip.Addr{}
	case o.bind.Is4() && !o.bind.IsUnspecified():
		return o.bind
	case o.bind.IsUnspecified() && o.advertise.Is4():
		return o.advertise
	case o.bind.IsUnspecified():
		return towards(anywhere)
	default:
		return netip.Addr{}
	}
}

// anywhere is an address on no network of anybody's: the way to it is the way out.
const anywhere = "192.0.2.1:9"

// towards is the address of this machine from which it talks to another; not valid where there is no way there. Nothing is sent.
func towards(other string) netip.Addr {
	connection, err := net.Dial("udp4", other)
	if err != nil {
		return netip.Addr{}
	}
	defer func() { _ = connection.Close() }() // nothing was sent
	return connection.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// certified are the names that the serving certificate covers, besides those of every API server and the addresses of its
// listeners: those that were named, and where others can reach it the machine's own.
func (o *servingOptions) certified() ([]string, error) {
	names := slices.Clone(o.names)
	if !o.exposed() {
		return names, nil
	}
	if host, err := os.Hostname(); err == nil && len(validation.IsDNS1123Subdomain(strings.ToLower(host))) == 0 {
		names = append(names, strings.ToLower(host))
	}
	if !o.bind.IsUnspecified() {
		return names, nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("listing this machine's addresses: %w", err)
	}
	for _, address := range addresses {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil && prefix.Addr().IsGlobalUnicast() {
			names = append(names, prefix.Addr().String())
		}
	}
	return names, nil
}
