package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	cloudprovider "k8s.io/cloud-provider"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/network/ipfamily"
)

// Class is the load balancer class of a Service that wants one of ours, as does one without a class.
const Class = "orrery.dev/load-balancer"

// Balancer hands out the addresses of a pool. It may be used by several goroutines at once.
type Balancer struct {
	pool Pool
	// retired gives out nothing any more.
	retired bool

	mu sync.Mutex
	// given are the addresses that were given out by this process.
	given map[lease]netip.Addr
}

// lease is whom an address was given to: a Service has one of each of its families.
type lease struct {
	uid    types.UID
	family ipfamily.Family
}

// New is a balancer that has given out nothing yet.
func New(pool Pool) *Balancer { return &Balancer{pool: pool, given: map[lease]netip.Addr{}} }

// Retired is a balancer that gives out nothing any more. What Services have of the pool it takes back when they go.
func Retired(pool Pool) *Balancer {
	b := New(pool)
	b.retired = true
	return b
}

// OnlyTakesBack says that the balancer gives out nothing any more.
func (b *Balancer) OnlyTakesBack() bool { return b.retired }

// For is the balancer as a cloud provider, which learns from a reader what Services have.
func (b *Balancer) For(services client.Reader) cloudprovider.LoadBalancer {
	return &provider{b, services}
}

type provider struct {
	*Balancer
	services client.Reader
}

// GetLoadBalancer says whether a Service has addresses of the pool.
func (p *provider) GetLoadBalancer(_ context.Context, _ string, service *corev1.Service) (*corev1.LoadBalancerStatus, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var has []netip.Addr
	for _, f := range ipfamily.All { // also of a family that it does not have any more
		if ip := p.claim(f, service).has; ip.IsValid() {
			has = append(has, ip)
		}
	}
	return statusOf(has), len(has) > 0, nil
}

// GetLoadBalancerName is the Service's own name: nobody else has to know it by another.
func (p *provider) GetLoadBalancerName(_ context.Context, _ string, service *corev1.Service) string {
	return service.Namespace + "/" + service.Name
}

// ForeseeLoadBalancer is what EnsureLoadBalancer would answer now. Refused says why there would be no address.
func (p *provider) ForeseeLoadBalancer(ctx context.Context, _ string, service *corev1.Service) (status *corev1.LoadBalancerStatus, refused, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ips, refused, err := p.choose(ctx, service)
	return statusOf(ips), refused, err
}

// choose are the addresses that a Service is to have, one of each of its families, or why it gets none. One that only prefers to have
// both does without the one that there is not.
func (p *provider) choose(ctx context.Context, service *corev1.Service) (ips []netip.Addr, refused, err error) {
	families := familiesOf(service)
	var reasons []error
	for _, f := range families {
		claims, err := p.claims(ctx, f)
		if err != nil {
			return nil, nil, err
		}
		ip, why := choose(p.pool.of(f), p.claim(f, service), claims)
		if why != nil {
			reasons = append(reasons, why)
			continue
		}
		ips = append(ips, ip)
	}
	if policy := service.Spec.IPFamilyPolicy; len(reasons) == len(families) || policy == nil || *policy != corev1.IPFamilyPolicyPreferDualStack {
		refused = errors.Join(reasons...)
	}
	if refused != nil {
		return nil, refused, nil
	}
	return ips, nil, nil
}

// EnsureLoadBalancer gives a Service an address of each of its families, or says why there is none for it.
func (p *provider) EnsureLoadBalancer(ctx context.Context, _ string, service *corev1.Service, _ []*corev1.Node) (*corev1.LoadBalancerStatus, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ips, refused, err := p.choose(ctx, service)
	if err != nil {
		return nil, err
	}
	p.forget(service)
	if refused != nil {
		return nil, refused
	}
	for _, ip := range ips {
		p.given[lease{service.UID, ipfamily.Of(ip)}] = ip
	}
	return statusOf(ips), nil
}

// forget takes back what was given to a Service.
func (p *provider) forget(service *corev1.Service) {
	for _, f := range ipfamily.All {
		delete(p.given, lease{service.UID, f})
	}
}

// UpdateLoadBalancer has nothing to do: which nodes there are, each of them sees for itself.
func (p *provider) UpdateLoadBalancer(context.Context, string, *corev1.Service, []*corev1.Node) error {
	return nil
}

// EnsureLoadBalancerDeleted takes an address back. Others get it when the Service is seen to be gone, or to have it no more.
func (p *provider) EnsureLoadBalancerDeleted(_ context.Context, _ string, service *corev1.Service) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(service)
	return nil
}

// claims are what Services have of a family, and what has been given to them that they do not show yet. What was given to a Service that
// is gone is forgotten.
func (p *provider) claims(ctx context.Context, f ipfamily.Family) ([]claim, error) {
	var services ocorev1.ServiceList
	if err := p.services.List(ctx, &services, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Services: %w", err)
	}
	var claims []claim
	given := maps.Clone(p.given)
	maps.DeleteFunc(given, func(l lease, _ netip.Addr) bool { return l.family == f })
	for i := range services.Items {
		service := (*corev1.Service)(&services.Items[i])
		c := p.claim(f, service)
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer && !c.has.IsValid() {
			continue
		}
		if _, ok := p.given[lease{c.uid, f}]; ok {
			given[lease{c.uid, f}] = c.has
		}
		claims = append(claims, c)
	}
	p.given = given
	return claims, nil
}

// claim is what a Service has of a family, be it seen in its status yet or not, and asks for.
func (p *provider) claim(f ipfamily.Family, service *corev1.Service) claim {
	c := claimOf(f, service, p.pool.of(f))
	if ip, ok := p.given[lease{c.uid, f}]; ok {
		c.has = ip
	}
	return c
}

// statusOf is the status of a load balancer with addresses whose packets come as they were sent.
func statusOf(ips []netip.Addr) *corev1.LoadBalancerStatus {
	status := &corev1.LoadBalancerStatus{}
	for _, ip := range ips {
		status.Ingress = append(status.Ingress, corev1.LoadBalancerIngress{IP: ip.String(), IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)})
	}
	return status
}
