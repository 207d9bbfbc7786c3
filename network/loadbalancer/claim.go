package loadbalancer

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// claim is what one Service has of one family, and what it asks for.
type claim struct {
	service types.NamespacedName
	uid     types.UID
	since   time.Time // it was created
	// has is the address that it has; not valid if none.
	has netip.Addr
	// wants are the addresses that it asks for, as it spells them; none if any will do.
	wants []string
	// key allows it to share its address with those of the same key; empty if it shares with nobody.
	key   string
	ports []port
	// local are the pods that traffic has to meet on the node that it came to; nil if it may go to any node.
	local map[string]string
}

type port struct {
	protocol corev1.Protocol
	number   int32
}

// The annotations by which Services ask, under the names that MetalLB and kube-vip have for them.
var (
	asking  = []string{"metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs", "kube-vip.io/loadbalancerIPs"}
	sharing = []string{"metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip"}
)

// familiesOf are those of a Service; IPv4 where it was not defaulted.
func familiesOf(service *corev1.Service) []ipfamily.Family {
	if len(service.Spec.IPFamilies) == 0 {
		return []ipfamily.Family{ipfamily.IPv4}
	}
	families := make([]ipfamily.Family, len(service.Spec.IPFamilies))
	for i, f := range service.Spec.IPFamilies {
		families[i] = ipfamily.Family(f)
	}
	return families
}

// claimOf reads what a Service has of a family's part of a pool, and asks for.
func claimOf(f ipfamily.Family, service *corev1.Service, pool Pool) claim {
	c := claim{
		service: types.NamespacedName{Namespace: service.Namespace, Name: service.Name},
		uid:     service.UID,
		since:   service.CreationTimestamp.Time,
		has:     addressOf(service, pool),
		key:     annotation(service, sharing),
	}
	for _, asked := range []string{service.Spec.LoadBalancerIP, annotation(service, asking)} {
		for _, text := range strings.Split(asked, ",") {
			if text = strings.TrimSpace(text); text != "" && !isOfAnother(f, service, text) && !slices.Contains(c.wants, text) {
				c.wants = append(c.wants, text)
			}
		}
	}
	for i := range service.Spec.Ports {
		c.ports = append(c.ports, port{service.Spec.Ports[i].Protocol, service.Spec.Ports[i].Port})
	}
	if service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal {
		c.local = service.Spec.Selector
		if c.local == nil {
			c.local = map[string]string{}
		}
	}
	return c
}

// isOfAnother says that an address which a Service asks for is of another family, which it has too. One of a family that it does not
// have can be met by none, and is not passed over.
func isOfAnother(f ipfamily.Family, service *corev1.Service, text string) bool {
	return slices.ContainsFunc(familiesOf(service), func(other ipfamily.Family) bool { return other != f && other.Address(text).IsValid() })
}

// addressOf is the address of a pool that a Service has; not valid if none.
func addressOf(service *corev1.Service, pool Pool) netip.Addr {
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if ip, err := netip.ParseAddr(ingress.IP); err == nil && pool.Contains(ip) {
			return ip
		}
	}
	return netip.Addr{}
}

// annotation is the first of some annotations that a Service has.
func annotation(service *corev1.Service, names []string) string {
	for _, name := range names {
		if value := strings.TrimSpace(service.Annotations[name]); value != "" {
			return value
		}
	}
	return ""
}

// shares says whether two Services may have one address.
func (c claim) shares(other claim) bool {
	collide := slices.ContainsFunc(c.ports, func(p port) bool { return slices.Contains(other.ports, p) })
	return c.key != "" && c.key == other.key && !collide && (c.local == nil) == (other.local == nil) && maps.Equal(c.local, other.local)
}

// before says whether a Service is older than another, and so keeps an address that both have.
func (c claim) before(other claim) bool {
	if !c.since.Equal(other.since) {
		return c.since.Before(other.since)
	}
	return c.uid < other.uid
}
