package ingress

import (
	"cmp"
	"crypto/tls"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// ControllerName is what IngressClasses name that are for us.
	ControllerName = "orrery.dev/ingress"
	// ClassName is the class that is made where there is none of this name.
	ClassName = "orrery"
)

// ours are the Ingresses that are for us, the oldest first: of those that say the same the first counts.
func ours(w World) []*networkingv1.Ingress {
	classes := map[string]bool{}
	for _, class := range w.Classes {
		if class.Spec.Controller == ControllerName {
			classes[class.Name] = true
		}
	}
	var all []*networkingv1.Ingress
	for _, ingress := range w.Ingresses {
		class := ingress.Annotations["kubernetes.io/ingress.class"]
		if ingress.Spec.IngressClassName != nil {
			class = *ingress.Spec.IngressClassName
		}
		if classes[class] && ingress.DeletionTimestamp == nil {
			all = append(all, ingress)
		}
	}
	slices.SortFunc(all, func(a, b *networkingv1.Ingress) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return all
}

// compile makes the table that some Ingresses want.
func compile(w World, ingresses []*networkingv1.Ingress) *Table {
	t := &Table{Hosts: map[string][]Route{}, Certificates: map[string]*tls.Certificate{}}
	services := map[types.NamespacedName]*corev1.Service{}
	for _, s := range w.Services {
		services[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}] = s
	}
	for _, ingress := range ingresses {
		backend := func(b *networkingv1.IngressBackend) Backend { return backendOf(ingress.Namespace, b, services) }
		if b := ingress.Spec.DefaultBackend; b != nil && t.Default == nil {
			found := backend(b)
			t.Default = &found
		}
		for i := range ingress.Spec.Rules {
			t.addRule(&ingress.Spec.Rules[i], backend)
		}
		t.addCertificates(ingress, w.Certificates)
	}
	t.sort()
	return t
}

func (t *Table) addRule(rule *networkingv1.IngressRule, backend func(*networkingv1.IngressBackend) Backend) {
	if rule.HTTP == nil { // all of the host goes to the default backend
		return
	}
	host := strings.ToLower(rule.Host)
	for i := range rule.HTTP.Paths {
		path := &rule.HTTP.Paths[i]
		r := Route{
			Path:    cmp.Or(path.Path, "/"),
			Exact:   path.PathType != nil && *path.PathType == networkingv1.PathTypeExact,
			Backend: backend(&path.Backend),
		}
		if !slices.ContainsFunc(t.Hosts[host], func(other Route) bool { return other.Path == r.Path && other.Exact == r.Exact }) {
			t.Hosts[host] = append(t.Hosts[host], r)
		}
	}
}

// addCertificates takes the certificates of an Ingress for the hosts that it names, or else for those that they name themselves.
func (t *Table) addCertificates(ingress *networkingv1.Ingress, certificates map[types.NamespacedName]*tls.Certificate) {
	for _, of := range ingress.Spec.TLS {
		certificate := certificates[types.NamespacedName{Namespace: ingress.Namespace, Name: of.SecretName}]
		if certificate == nil {
			continue
		}
		hosts := of.Hosts
		if len(hosts) == 0 {
			hosts = certificate.Leaf.DNSNames
		}
		for _, host := range hosts {
			if host = strings.ToLower(host); t.Certificates[host] == nil {
				t.Certificates[host] = certificate
			}
		}
	}
}

// backendOf is where a backend of an Ingress is reached.
func backendOf(namespace string, b *networkingv1.IngressBackend, services map[types.NamespacedName]*corev1.Service) Backend {
	if b.Service == nil {
		return Backend{Service: types.NamespacedName{Namespace: namespace}, Missing: "the backend is no Service"}
	}
	found := Backend{Service: types.NamespacedName{Namespace: namespace, Name: b.Service.Name}}
	service := services[found.Service]
	if service == nil {
		found.Missing = "it does not exist"
		return found
	}
	ip, err := netip.ParseAddr(service.Spec.ClusterIP)
	if err != nil {
		found.Missing = "it has no cluster IP"
		return found
	}
	at := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool {
		if b.Service.Port.Name != "" {
			return p.Name == b.Service.Port.Name
		}
		return p.Port == b.Service.Port.Number
	})
	if at < 0 {
		found.Missing = "it has no such port"
		return found
	}
	found.Address = netip.AddrPortFrom(ip, uint16(service.Spec.Ports[at].Port))
	return found
}

// secretNames are the Secrets that some Ingresses name, each once.
func secretNames(ingresses []*networkingv1.Ingress) []types.NamespacedName {
	var names []types.NamespacedName
	for _, ingress := range ingresses {
		for _, of := range ingress.Spec.TLS {
			name := types.NamespacedName{Namespace: ingress.Namespace, Name: of.SecretName}
			if of.SecretName != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
