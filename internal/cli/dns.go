package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/dns"
	"github.com/spf13/pflag"
)

// dnsOptions are what a person can choose about the names of a cluster.
type dnsOptions struct {
	dns    onOff
	domain string
}

func (o *dnsOptions) addFlags(flags *pflag.FlagSet) {
	o.dns = true
	flags.Var(&o.dns, "dns", "`on` or off: whether names of Services and pods are answered, at the Service kube-dns; its Corefile is in the ConfigMap coredns, both in kube-system")
	flags.StringVar(&o.domain, "cluster-domain", "", "`domain` of those names, which is remembered; by default the one that the instance had before, at first "+dns.DefaultDomain)
}

func (o *dnsOptions) check() error {
	if o.domain == "" {
		return nil
	}
	if err := dns.CheckDomain(o.domain); err != nil {
		return fmt.Errorf("--cluster-domain: %w", err)
	}
	return nil
}

// onOff is a flag that is on or off.
type onOff bool

// Set reads a word that a person has typed.
func (o *onOff) Set(word string) error {
	switch word {
	case "on", "true":
		*o = true
	case "off", "false":
		*o = false
	default:
		return fmt.Errorf("want on or off")
	}
	return nil
}

func (o *onOff) String() string {
	if *o {
		return "on"
	}
	return "off"
}

// Type is what the flag's value is called.
func (*onOff) Type() string { return "on or off" }

// dnsAddress is where pods ask for names; none, where nobody answers there.
func (p *controlPlane) dnsAddress() []string {
	if !p.options.dns {
		return nil
	}
	return []string{dns.ServiceIP(p.settings.Addresses.Services).String()}
}

// dnsComponent is the DNS server, or what takes its endpoint away where there is to be none.
func (p *controlPlane) dnsComponent() plane.Component {
	c := plane.Component{Name: dnsComponent, Needs: []string{apiserverComponent}, Run: p.withdrawDNS}
	if p.options.dns {
		c.Run, c.Look = p.runDNS, lookAtDNS
	}
	return c
}

// runDNS listens where this machine's pods reach it, or only this machine does, where there are none.
func (p *controlPlane) runDNS(ctx context.Context, ready func(string)) error {
	cluster, err := p.cluster(identity.DNS)
	if err != nil {
		return err
	}
	listen := p.gateway()
	if !listen.IsValid() {
		listen = netip.MustParseAddr(localhost.String())
	}
	service := dns.ServiceIP(p.settings.Addresses.Services)
	part, err := wiring.NewDNS(cluster, dns.Options{
		NodeName: p.nodeName(), Domain: p.settings.Domain, ServiceIP: service, Listen: listen,
	}, inspected.of(dnsComponent))
	if err != nil {
		return err
	}
	inspected.dns.Store(part.DNS)
	defer inspected.dns.Store(nil)
	return wiring.Run(ctx, part, func() { ready(fmt.Sprintf("%s, by %s", service, part.Address())) })
}

func (p *controlPlane) withdrawDNS(ctx context.Context, ready func(string)) error {
	cluster, err := p.cluster(identity.DNS)
	if err != nil {
		return err
	}
	if err := wiring.WithdrawDNS(ctx, cluster, p.nodeName()); err != nil {
		return err
	}
	ready("off")
	<-ctx.Done()
	return nil
}

// lookAtDNS tells what a user has to know of: a Corefile that is not used, or resolvers that ask in a circle.
func lookAtDNS(c *instance.Component) {
	server := inspected.dns.Load()
	if server == nil {
		return
	}
	if problem := server.Problem(); problem != nil {
		c.LastError = problem.Error()
	}
}

// names answers as instance.NamesPath says.
func (i *inspectedParts) names(w http.ResponseWriter, r *http.Request) {
	server := i.dns.Load()
	if server == nil {
		http.Error(w, "this instance runs no DNS: start it without --dns=off", http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	told, err := server.Ask(r.Context(), query.Get("name"), query.Get("type"), query.Get("namespace"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, told)
}
