package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// health is what is said at a health check node port of a Service: how many of its endpoints are here and ready.
type health struct {
	service   types.NamespacedName
	endpoints int
}

// healths are what is to be said, by port: for Services of type LoadBalancer under externalTrafficPolicy Local. The load balancer asks
// each node, and sends to those that have endpoints.
func healths(w World, ports []port) map[int32]health {
	type some struct {
		service types.NamespacedName
		family  ipfamily.Family
	}
	here := map[some]map[netip.Addr]bool{}
	for i := range ports {
		of := some{ports[i].service, ports[i].family}
		if here[of] == nil {
			here[of] = map[netip.Addr]bool{}
		}
		for _, e := range ports[i].ready {
			here[of][e.address.Addr()] = true
		}
	}
	wanted := map[int32]health{}
	for _, service := range w.Services {
		name := types.NamespacedName{Namespace: service.Namespace, Name: service.Name}
		if number := service.Spec.HealthCheckNodePort; number != 0 && service.Spec.Type == corev1.ServiceTypeLoadBalancer &&
			service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal {
			// The same pods are endpoints in both families.
			wanted[number] = health{name, max(len(here[some{name, ipfamily.IPv4}]), len(here[some{name, ipfamily.IPv6}]))}
		}
	}
	return wanted
}

// planHealths are the steps from what is said to what is to be.
func planHealths(present, wanted map[int32]health) []step {
	var steps []step
	for _, number := range slices.Sorted(maps.Keys(present)) {
		if _, ok := wanted[number]; !ok {
			steps = append(steps, &hush{number})
		}
	}
	for _, number := range slices.Sorted(maps.Keys(wanted)) {
		if was, ok := present[number]; !ok || was != wanted[number] {
			steps = append(steps, &tell{number, wanted[number]})
		}
	}
	return steps
}

// tell says something at a health check node port from now on.
type tell struct {
	port int32
	health
}

func (*tell) Verb() string { return "tell" }

func (s *tell) String() string {
	return fmt.Sprintf("tell at health check node port %d of %d %s on this node", s.port, s.endpoints, plural(s.endpoints, "endpoint"))
}

func (s *tell) Why() string {
	return fmt.Sprintf("Service %s keeps traffic where its endpoints are", s.service)
}

func (s *tell) Do(ctx context.Context, n *node) error { return n.healths.tell(ctx, s.port, s.health) }

// hush closes a health check node port.
type hush struct{ port int32 }

func (*hush) Verb() string { return "close" }

func (s *hush) String() string { return fmt.Sprintf("close health check node port %d", s.port) }

func (*hush) Why() string { return "no Service has it any more" }

func (s *hush) Do(_ context.Context, n *node) error { return n.healths.hush(s.port) }

// healthPorts are the servers of health check node ports.
type healthPorts struct {
	mu    sync.Mutex
	ports map[int32]*healthPort
}

type healthPort struct {
	mu     sync.Mutex
	health health
	server *http.Server
}

// said is what is said now.
func (h *healthPorts) said() map[int32]health {
	h.mu.Lock()
	defer h.mu.Unlock()
	said := map[int32]health{}
	for number, p := range h.ports {
		p.mu.Lock()
		said[number] = p.health
		p.mu.Unlock()
	}
	return said
}

func (h *healthPorts) tell(ctx context.Context, number int32, says health) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.ports[number]; p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.health = says
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(int(number)))
	if err != nil {
		return fmt.Errorf("serving health checks of Service %s: %w", says.service, err)
	}
	p := &healthPort{health: says}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(listener) }() // it ends with Close
	h.ports[number] = p
	return nil
}

func (h *healthPorts) hush(number int32) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.ports[number]
	delete(h.ports, number)
	if p == nil {
		return nil
	}
	return p.server.Close()
}

// close closes all of them.
func (h *healthPorts) close() error {
	var errs []error
	for number := range h.said() {
		errs = append(errs, h.hush(number))
	}
	return errors.Join(errs...)
}

// ServeHTTP answers on every path, as kube-proxy does: 200 where there is an endpoint, 503 where there is none.
func (p *healthPort) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	says := p.health
	p.mu.Unlock()
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Load-Balancing-Endpoint-Weight", strconv.Itoa(says.endpoints))
	if says.endpoints == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	var told struct {
		Service struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"service"`
		LocalEndpoints      int  `json:"localEndpoints"`
		ServiceProxyHealthy bool `json:"serviceProxyHealthy"`
	}
	told.Service.Namespace, told.Service.Name = says.service.Namespace, says.service.Name
	told.LocalEndpoints, told.ServiceProxyHealthy = says.endpoints, true
	_ = json.NewEncoder(w).Encode(told) // who asked sees when it is missing
}
