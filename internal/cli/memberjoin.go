package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/memberjoin"
	"github.com/orrery-dev/orrery/internal/cli/nodebootstrap"
	"github.com/orrery-dev/orrery/internal/version"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// memberJoin says which control plane this machine is to become a member of.
type memberJoin struct {
	target string
	pins   []string
	caFile string
}

func (o *memberJoin) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.target, "join", "", "`TOKEN@HOST[:PORT]`: become a member of the control plane whose API server is there; 'orrery token create --control-plane --print-join-command' prints all of the command")
	flags.StringSliceVar(&o.pins, "ca-hash", nil, "`hash` of the public key of its authority, as in sha256:6a8f…; with --join")
	flags.StringVar(&o.caFile, "ca-file", "", "`file` with the certificate of its authority, in the place of its hash; with --join")
	markPaths(flags, "ca-file")
}

func (o *memberJoin) given() bool { return o.target != "" || len(o.pins) > 0 || o.caFile != "" }

// parse is the token, and where the API server is.
func (o *memberJoin) parse() (token, server string, err error) {
	token, server, ok := strings.Cut(o.target, "@")
	if !ok || token == "" || server == "" {
		return "", "", errors.New("--join: want TOKEN@HOST or TOKEN@HOST:PORT; 'orrery token create --control-plane --print-join-command', on a member, prints all of the command")
	}
	return token, server, nil
}

// becomeMember makes the machine a member of the control plane that it is to join. Nothing is written before it has been let in.
// Where it is one already there is nothing to do.
func (o *upOptions) becomeMember(c *cobra.Command, inst *instance.Instance) error {
	settings, err := inst.Settings()
	if err != nil {
		return err
	}
	if settings.Member != nil && settings.Member.Joined {
		return nil
	}
	if err := isNew(inst); err != nil {
		return err
	}
	m := instance.Member{Several: true, Joined: true}
	grant, err := o.askToJoin(c.Context(), inst, &m)
	if err != nil {
		return err
	}
	if err := adopt(c.Context(), inst, m, grant); err != nil {
		return err
	}
	c.PrintErrf("orrery: this machine is member %s now, at %s; the token is spent\n", m.Name, m.Address)
	return nil
}

// isNew says why an instance cannot become a member of others.
func isNew(inst *instance.Instance) error {
	if inst.Running() {
		return fmt.Errorf("instance %s is running (process %d): stop it first with '%s', or choose another with --name", inst.Name, inst.PID(), inst.Command("down"))
	}
	if _, err := os.Stat(serverDir(inst)); err == nil {
		return fmt.Errorf("instance %s is a control plane of its own: choose another with --name, or give it up with '%s'", inst.Name, inst.Command("reset --yes"))
	}
	return nil
}

// askToJoin has the machine let in, and fills in as whom.
func (o *upOptions) askToJoin(ctx context.Context, inst *instance.Instance, m *instance.Member) (grant memberjoin.Grant, err error) {
	token, server, err := o.members.join.parse()
	if err != nil {
		return grant, err
	}
	if m.Name, err = memberName(o.members.memberName, ""); err != nil {
		return grant, err
	}
	if m.Address, err = o.memberAddress(server); err != nil {
		return grant, err
	}
	if m.PeerPort, err = choosePorts(ctx, m.Address, o.members.peerPort, 0); err != nil {
		return grant, err
	}
	m.ClientPort = m.PeerPort - 1
	discovery := nodebootstrap.Options{
		Server: server, Token: token, Pins: o.members.join.pins, NodeName: m.Name, ControlPlane: true, Dir: registrationDir(inst),
	}
	if o.members.join.caFile != "" {
		if discovery.CA, err = os.ReadFile(o.members.join.caFile); err != nil {
			return grant, fmt.Errorf("--ca-file: %w", err)
		}
	}
	ca, err := nodebootstrap.Discover(ctx, discovery)
	if err != nil {
		return grant, err
	}
	// The members find out whether they reach this machine.
	listener, err := listenAt(ctx, m.Address, int(m.PeerPort))
	if err != nil {
		return grant, fmt.Errorf("listening at %s for the members: %w", m.Address, err)
	}
	guest := memberjoin.Guest{
		Server: server, Token: token, CA: ca, Name: m.Name, Peer: netip.AddrPortFrom(m.Address, m.PeerPort), Version: version.Get().Version,
	}
	grant, err = guest.Join(ctx)
	m.Cluster = grant.Cluster
	return grant, errors.Join(err, listener.Close())
}

// memberAddress is where the others are to reach this machine: where it is to be reached at all, or from where it talks to them.
func (o *upOptions) memberAddress(server string) (netip.Addr, error) {
	address := o.outside()
	if !address.IsValid() {
		address = towards(nodebootstrap.HostPort(server))
	}
	if !address.IsValid() || address.IsLoopback() {
		return netip.Addr{}, fmt.Errorf("there is no address of this machine at which the members at %s would reach it: name one with --bind-address", server)
	}
	return address, nil
}

// adopt writes down what the machine was given.
func adopt(ctx context.Context, inst *instance.Instance, m instance.Member, grant memberjoin.Grant) (err error) {
	if err := inst.Prepare(); err != nil {
		return err
	}
	lock, err := inst.Acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	staged := inst.Path("joining")
	if err := os.RemoveAll(staged); err != nil { // of one that was interrupted
		return fmt.Errorf("removing what an interrupted joining has left: %w", err)
	}
	for name, content := range grant.Files {
		path, err := filepath.Localize(name)
		if err != nil {
			return fmt.Errorf("writing key %q of the control plane: %w", name, err)
		}
		path = filepath.Join(staged, path)
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = os.WriteFile(path, content, 0o600)
		}
		if err != nil {
			return fmt.Errorf("writing the keys of the control plane: %w", err)
		}
	}
	return inst.JoinAs(m, grant.Addresses, grant.Domain, staged)
}
