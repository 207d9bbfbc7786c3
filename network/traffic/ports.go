package traffic

import (
	"fmt"
	"io"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/network/endpoints"
)

// Service is what a Service leads to, whoever asks.
type Service struct {
	Service string `json:"service"`
	Type    string `json:"type"`
	// Addresses are its cluster IPs, and those by which it is reached from outside.
	Addresses []string `json:"addresses,omitempty"`
	Ports     []Port   `json:"ports,omitempty"`
}

// Port is one port of a Service, with its endpoints.
type Port struct {
	Port   string   `json:"port"`
	Used   []string `json:"used,omitempty"`
	Unused []string `json:"unused,omitempty"`
	// Why says why none is used; empty where some are.
	Why string `json:"why,omitempty"`
}

// ExplainService says which endpoints the ports of a Service have, and why not others.
func ExplainService(w World, namespace, name string) (Service, error) {
	e := &explanation{World: w}
	service := e.service(namespace, name)
	if service == nil {
		return Service{}, fmt.Errorf("there is no Service %s in namespace %s", name, namespace)
	}
	all := Service{Service: namespace + "/" + name, Type: string(service.Spec.Type)}
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		all.Addresses = []string{service.Spec.ExternalName}
		return all, nil
	}
	for _, address := range append(parse(service.Spec.ClusterIPs), outerAddresses(service)...) {
		all.Addresses = append(all.Addresses, address.String())
	}
	for _, port := range pointers(service.Spec.Ports) {
		all.Ports = append(all.Ports, e.endpointsOf(service, port))
	}
	if len(service.Spec.Ports) == 0 { // a headless Service needs none
		all.Ports = []Port{e.endpointsOf(service, nil)}
	}
	return all, nil
}

func (e *explanation) endpointsOf(service *corev1.Service, port *corev1.ServicePort) Port {
	p := Port{Port: "any port"}
	if port != nil {
		p.Port = describe(port)
	}
	all := e.candidates(service, port)
	used := endpoints.Usable(all)
	if headless(service) { // whose names lead to those that are ready, or to all
		used = slices.DeleteFunc(slices.Clone(all), func(c endpoints.Endpoint) bool { return !c.Ready && !service.Spec.PublishNotReadyAddresses })
	}
	for _, endpoint := range used {
		p.Used = append(p.Used, e.what(endpoint))
	}
	e.unused(all, used, "")
	p.Unused, e.answer.Unused = e.answer.Unused, nil
	if len(p.Used) == 0 {
		p.Why = e.whyNone(service, port)
	}
	return p
}

// Write writes it as text.
func (s Service) Write(out io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "Service %s, %s: %s\n", s.Service, s.Type, strings.Join(s.Addresses, ", "))
	for _, p := range s.Ports {
		fmt.Fprintf(&text, "\n%s leads to %d of %d endpoints\n", p.Port, len(p.Used), len(p.Used)+len(p.Unused))
		for _, used := range p.Used {
			fmt.Fprintf(&text, "  %s\n", used)
		}
		for _, unused := range p.Unused {
			fmt.Fprintf(&text, "  not used: %s\n", unused)
		}
		if p.Why != "" {
			fmt.Fprintf(&text, "  none is ready: %s\n", p.Why)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}
