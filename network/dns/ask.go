package dns

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Answer is what the server answers.
type Answer struct {
	// Name is the whole name that was asked for.
	Name string `json:"name"`
	// Type is the type of records, as in "A".
	Type string `json:"type"`
	// Status is the DNS's own word, as in "NOERROR" or "NXDOMAIN".
	Status string `json:"status"`
	// Records are the answer, as a zone file has them.
	Records []string `json:"records"`
	// Server is who was asked.
	Server string `json:"server"`
	// Tried are the names that were asked for before and are none.
	Tried []string `json:"tried,omitempty"`
}

// ndots is how many dots a name has to have for it to be tried first as it is: what pods have in their resolv.conf.
const ndots = 5

// Ask asks for the records of a name, by the names that a pod in the namespace would try. An address asks for its name.
func (d *DNS) Ask(ctx context.Context, name, kind, namespace string) (Answer, error) {
	wanted, ok := dns.StringToType[strings.ToUpper(kind)]
	if !ok {
		return Answer{}, fmt.Errorf("type %q: there is no such type of records: want A, AAAA, SRV, PTR, CNAME, TXT or the like", kind)
	}
	if address, err := netip.ParseAddr(name); err == nil {
		reverse, err := dns.ReverseAddr(address.String())
		if err != nil {
			return Answer{}, fmt.Errorf("turning address %s into a name: %w", address, err)
		}
		name, wanted = reverse, dns.TypePTR
	}
	var tried []string
	for _, candidate := range searched(name, namespace, d.node.server.options.Domain) {
		message, err := d.node.server.ask(ctx, candidate, wanted)
		if err != nil {
			return Answer{}, err
		}
		answer := Answer{
			Name: candidate, Type: dns.TypeToString[wanted], Status: dns.RcodeToString[message.Rcode], Server: d.Address(), Tried: tried, Records: []string{},
		}
		for _, record := range message.Answer {
			answer.Records = append(answer.Records, record.String())
		}
		if len(answer.Records) > 0 || message.Rcode != dns.RcodeNameError && message.Rcode != dns.RcodeSuccess {
			return answer, nil
		}
		tried = append(tried, candidate)
		if candidate == dns.Fqdn(name) {
			answer.Tried = slices.DeleteFunc(tried, func(t string) bool { return t == candidate })
			return answer, nil
		}
	}
	return Answer{}, fmt.Errorf("asking for %q: there is nothing to ask for", name)
}

// searched are the names by which a resolver in a pod tries a name, in order; the last one is the name itself.
func searched(name, namespace, domain string) []string {
	whole := dns.Fqdn(name)
	if strings.HasSuffix(name, ".") || strings.Count(name, ".") >= ndots {
		return []string{whole}
	}
	var names []string
	for _, suffix := range []string{namespace + ".svc." + domain, "svc." + domain, domain} {
		names = append(names, whole+suffix+".")
	}
	return append(names, whole)
}
