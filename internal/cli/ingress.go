package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/ingress"
	"github.com/spf13/pflag"
)

// ingressOptions are what a person can choose about Ingresses.
type ingressOptions struct{ ingress bool }

func (o *ingressOptions) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.ingress, "ingress", false, "route HTTP requests by Ingresses of the class "+ingress.ClassName+", at the ports 80 and 443 of this node's address")
}

func (o *ingressOptions) check(runtime string) error {
	if o.ingress && runtime == simulatedRuntime {
		return errors.New("--ingress needs a runtime that runs containers: with simulated nodes there is nobody to route requests to")
	}
	return nil
}

// ingressComponents is what serves Ingresses; none, where nobody is to.
func (p *controlPlane) ingressComponents() []plane.Component {
	if !p.options.ingress || p.network == nil {
		return nil
	}
	return []plane.Component{{Name: ingressComponent, Needs: []string{networkComponent, apiserverComponent}, Run: p.runIngress}}
}

// runIngress listens where this node is reached.
func (p *controlPlane) runIngress(ctx context.Context, ready func(string)) error {
	cluster, err := p.cluster(identity.Ingress)
	if err != nil {
		return err
	}
	address := p.nodeAddress()
	plain, secure, err := ingress.Listen(ctx, address)
	if err != nil {
		return fmt.Errorf("%w: is there another web server?", err)
	}
	part, err := wiring.NewIngress(cluster, ingress.Options{Address: address}, plain, secure, inspected.of(ingressComponent))
	if err != nil {
		return errors.Join(err, plain.Close(), secure.Close())
	}
	return wiring.Run(ctx, part, func() { ready("http://" + address.String()) })
}

// nodeAddress is where this node is reached: by other machines, or by this one and its pods.
func (m *machine) nodeAddress() netip.Addr {
	if m.address.IsValid() {
		return m.address
	}
	return m.network.Gateway()
}
