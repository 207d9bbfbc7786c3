package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
)

// memberOptions are what a person can choose about the members of a control plane.
type memberOptions struct {
	memberName string
	peerPort   uint16

	join     memberJoin
	forceNew bool
	yes      bool
}

// addFlags adds those that stay.
func (o *memberOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.memberName, "member-name", "", "`name` of this member of the control plane, where others reach it (--bind-address); by default that of this machine")
	flags.Uint16Var(&o.peerPort, "peer-port", 0, fmt.Sprintf("`port` at which members reach its etcd, and the one before as clients; by default the one it had before, at first %d or any other that is free", etcd.PeerPort))
}

// addOnce adds those that are for one start.
func (o *memberOptions) addOnce(flags *pflag.FlagSet) {
	o.join.addFlags(flags)
	flags.BoolVar(&o.forceNew, "force-new-cluster", false, "make a control plane of this member alone, where more than half of the members are gone for good; asks for --yes")
	flags.BoolVar(&o.yes, "yes", false, "do it without asking; with --force-new-cluster")
}

// onceFlags are those of addOnce: they say nothing about what runs, and one of them holds a token.
var onceFlags = []string{"join", "ca-hash", "ca-file", "force-new-cluster", "yes"}

// check says what is wrong with the choice.
func (o *memberOptions) check(external bool) error {
	switch {
	case o.memberName != "" && len(validation.IsDNS1123Subdomain(o.memberName)) > 0:
		return fmt.Errorf("--member-name %q: want lower-case letters, digits, hyphens and full stops, as in cp-2", o.memberName)
	case o.peerPort == 1:
		return errors.New("--peer-port 1: want 2 to 65535, because the port before it is taken too")
	case external && (o.join.given() || o.forceNew || o.memberName != "" || o.peerPort != 0):
		return errors.New("--join, --force-new-cluster, --member-name and --peer-port are about the embedded etcd, and --etcd-servers is about another: leave out one or the other")
	case o.yes && !o.forceNew:
		return errors.New("--yes goes with --force-new-cluster: there is nothing else to say yes to")
	case o.join.given() && o.forceNew:
		return errors.New("--join makes this machine a member of others, and --force-new-cluster takes it from them: leave out one")
	}
	return nil
}

// asMember fits the options to what the instance is: a member goes on to be reached where it was, and one that has joined others runs no
// containers, since that takes a range of addresses that its Node would have to be given first.
func (o *upOptions) asMember(m *instance.Member, flags *pflag.FlagSet) error {
	if m == nil || !m.Several {
		if o.members.forceNew {
			return errors.New("--force-new-cluster: this instance has no other members to be parted from: leave the flag out")
		}
		return nil
	}
	if len(o.etcd.servers) > 0 {
		return fmt.Errorf("--etcd-servers: this instance is member %s of a control plane: leave the flag out", m.Name)
	}
	if !flags.Changed("bind-address") {
		o.bind = m.Address
	}
	if o.members.forceNew && !o.members.yes {
		return fmt.Errorf("--force-new-cluster makes a control plane of member %s alone out of what it has stored. What others have stored and this one has not is lost, and the others can never come back as "+
			"they are: stop them first, give each up with 'orrery reset --yes', and let them join anew. It is for when more than half of the members are gone for good. To do it, say it again with --yes", m.Name)
	}
	if !m.Joined {
		return nil
	}
	return o.withoutNode(flags)
}

// withoutNode has the machine run no containers.
func (o *upOptions) withoutNode(flags *pflag.FlagSet) error {
	if flags.Changed("runtime") && o.runtime == containerdRuntime {
		return errors.New("--runtime containerd: a machine that joins a control plane as a member runs no containers in the same instance: leave the flag out, and make it a node beside with 'orrery node --join' under another --name")
	}
	o.runtime, o.dns, o.joined = simulatedRuntime, false, true
	return nil
}

// prepareMember makes the instance a member where it is to join others, and fits the options to what it is.
func (o *upOptions) prepareMember(c *cobra.Command, inst *instance.Instance) error {
	if err := o.members.check(len(o.etcd.servers) > 0); err != nil {
		return err
	}
	if o.members.join.given() {
		if err := o.servingOptions.check(); err != nil {
			return err
		}
		if err := o.withoutNode(c.Flags()); err != nil {
			return err
		}
		if err := o.becomeMember(c, inst); err != nil {
			return err
		}
	}
	settings, err := inst.Settings()
	if err != nil {
		return err
	}
	return o.asMember(settings.Member, c.Flags())
}

// peering is as whom a control plane whose address others reach is a member; nil where nobody reaches it, or its state is elsewhere.
func (p *controlPlane) peering(ctx context.Context) (*instance.Member, error) {
	o := &p.options
	if o.etcd.external() != nil {
		return nil, nil
	}
	settings, err := p.inst.Settings()
	if err != nil {
		return nil, err
	}
	known := settings.Member
	if !p.address.IsValid() {
		if known != nil && known.Several {
			return nil, fmt.Errorf("--bind-address %s: member %s has to be reached by the others, as it was at %s: choose an IPv4 address of this machine, or leave the flag out", o.bind, known.Name, known.Address)
		}
		return nil, nil
	}
	m := instance.Member{}
	if known != nil {
		m = *known
	}
	if m.Name, err = memberName(o.members.memberName, m.Name); err != nil {
		return nil, err
	}
	m.Address = p.address
	if m.PeerPort, err = choosePorts(ctx, m.Address, o.members.peerPort, m.PeerPort); err != nil {
		return nil, err
	}
	m.ClientPort = m.PeerPort - 1
	return &m, p.inst.SettleMember(m)
}

// memberName is the name that was chosen, or the one before, or that of the machine.
func memberName(chosen, before string) (string, error) {
	switch {
	case chosen != "":
		return chosen, nil
	case before != "":
		return before, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("finding the name of this machine: %w: choose one with --member-name", err)
	}
	host = strings.ToLower(host)
	if len(validation.IsDNS1123Subdomain(host)) > 0 {
		return "", fmt.Errorf("this machine is called %q, which is no name for a member: choose one with --member-name", host)
	}
	return host, nil
}

// portTries is how many free ports are looked at for one whose neighbour is free.
const portTries = 20

// choosePorts is the chosen port of an address, or the one before, or the usual one, or any that is free, and so is the one before it.
// They are opened later, by etcd itself, which takes no listeners.
func choosePorts(ctx context.Context, address netip.Addr, chosen, before uint16) (uint16, error) {
	switch {
	case chosen != 0:
		if err := free(ctx, address, chosen, chosen-1); err != nil {
			return 0, fmt.Errorf("--peer-port %d cannot be used (%w): choose another", chosen, err)
		}
		return chosen, nil
	case before != 0:
		if err := free(ctx, address, before, before-1); err != nil {
			return 0, fmt.Errorf("port %d, at which members reached this one before, cannot be used (%w): free it, or choose another with --peer-port", before, err)
		}
		return before, nil
	}
	err := free(ctx, address, etcd.PeerPort, etcd.ClientPort)
	if err == nil {
		return etcd.PeerPort, nil
	}
	for range portTries {
		listener, listening := listenAt(ctx, address, 0)
		if listening != nil {
			return 0, fmt.Errorf("finding a port for the members of etcd at %s: %w", address, listening)
		}
		port := uint16(listener.Addr().(*net.TCPAddr).Port)
		_ = listener.Close() // it was only asked for
		if err = free(ctx, address, port, port-1); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("finding two ports for the members of etcd at %s: %w: choose one with --peer-port", address, err)
}

// free says why some ports of an address cannot be had; nil if they can.
func free(ctx context.Context, address netip.Addr, ports ...uint16) error {
	for _, port := range ports {
		listener, err := listenAt(ctx, address, int(port))
		if err != nil {
			return err
		}
		if err := listener.Close(); err != nil {
			return err
		}
	}
	return nil
}

// peeringOptions say it to the API server.
func peeringOptions(m *instance.Member, forceNew bool) *apiserver.Peering {
	if m == nil {
		return nil
	}
	return &apiserver.Peering{
		Name: m.Name, Peer: netip.AddrPortFrom(m.Address, m.PeerPort), Client: netip.AddrPortFrom(m.Address, m.ClientPort),
		Cluster: m.Cluster, ForceNew: forceNew,
	}
}
