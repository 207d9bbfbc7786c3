package dns

import (
	"errors"
	"fmt"
	"net/netip"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
)

// DefaultDomain is the domain of a cluster that has chosen no other.
const DefaultDomain = "cluster.local"

// Options say for whom a DNS server works.
type Options struct {
	// NodeName is the node whose endpoint of the Service kube-dns this is.
	NodeName string
	// Domain is the cluster's, by default DefaultDomain.
	Domain string
	// ServiceIP is the address of the Service kube-dns, which pods have in their resolv.conf.
	ServiceIP netip.Addr
	// Listen is where the server listens, on port 53, or on one that is free where somebody else has that one. At a loopback address it
	// takes any that is free, and is no endpoint: nobody but this machine could reach it.
	Listen netip.Addr
	// Config is how to reach the API server, and as whom.
	Config *rest.Config
	// ResolvConf is the file with the resolvers that names of the outside are asked of; HostResolvConf by default.
	ResolvConf string
}

func (o *Options) complete() error {
	if o.Domain == "" {
		o.Domain = DefaultDomain
	}
	if err := CheckDomain(o.Domain); err != nil {
		return err
	}
	if o.ResolvConf == "" {
		o.ResolvConf = HostResolvConf()
	}
	switch {
	case o.NodeName == "":
		return errors.New("starting DNS: there is no name of a node")
	case !o.ServiceIP.IsValid():
		return errors.New("starting DNS: there is no address of a Service")
	case !o.Listen.IsValid() || o.Listen.IsUnspecified():
		return fmt.Errorf("starting DNS: %q is no address to listen at", o.Listen)
	case o.Config == nil:
		return errors.New("starting DNS: there is no configuration for the API server")
	}
	return nil
}

// CheckDomain says what is wrong with the domain of a cluster.
func CheckDomain(domain string) error {
	if wrong := validation.IsDNS1123Subdomain(domain); len(wrong) > 0 {
		return fmt.Errorf("cluster domain %q: %s", domain, wrong[0])
	}
	return nil
}

// ServiceIP is the address of the Service kube-dns in a range of service addresses: the tenth, as kubeadm has it.
func ServiceIP(services netip.Prefix) netip.Addr {
	ip := services.Masked().Addr()
	for range 10 {
		ip = ip.Next()
	}
	return ip
}
