package ingress

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Table is where requests go, as data. The zero value knows no route.
type Table struct {
	// Hosts have routes by the name of the host, as in "web.example.com" or "*.example.com"; that of any host is empty.
	Hosts map[string][]Route
	// Default is where requests go that match no route; nil if nowhere.
	Default *Backend
	// Certificates are by host, as routes are.
	Certificates map[string]*tls.Certificate
}

// Route leads from paths to a backend.
type Route struct {
	Path string
	// Exact says that the path has to be just this one. Else it may be below it.
	Exact   bool
	Backend Backend
}

// Backend is a port of a Service.
type Backend struct {
	Service types.NamespacedName
	// Address is where it is reached; not valid where it is not, for the reason Missing.
	Address netip.AddrPort
	Missing string
}

func (b Backend) String() string {
	if b.Missing != "" {
		return fmt.Sprintf("Service %s: %s", b.Service, b.Missing)
	}
	return fmt.Sprintf("Service %s at %s", b.Service, b.Address)
}

// sort puts the routes of each host in the order in which they are tried: longer paths first, of equal ones exact ones first.
func (t *Table) sort() {
	for _, routes := range t.Hosts {
		slices.SortStableFunc(routes, func(a, b Route) int {
			return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(kind(a), kind(b)), strings.Compare(a.Path, b.Path))
		})
	}
}

func kind(r Route) int {
	if r.Exact {
		return 0
	}
	return 1
}

// String is the table in prose, a line a route; equal tables have equal text.
func (t *Table) String() string {
	var b strings.Builder
	for _, host := range slices.Sorted(maps.Keys(t.Hosts)) {
		for _, r := range t.Hosts[host] {
			fmt.Fprintf(&b, "%s%s (%s) to %s\n", cmp.Or(host, "any host"), r.Path, pathType(r), r.Backend)
		}
	}
	if t.Default != nil {
		fmt.Fprintf(&b, "anything else to %s\n", t.Default)
	}
	for _, host := range slices.Sorted(maps.Keys(t.Certificates)) {
		fmt.Fprintf(&b, "certificate of %s: %x\n", host, sha256.Sum256(t.Certificates[host].Certificate[0]))
	}
	return b.String()
}

func pathType(r Route) networkingv1.PathType {
	if r.Exact {
		return networkingv1.PathTypeExact
	}
	return networkingv1.PathTypePrefix
}

// Find is where a request goes; ok is false for one that matches nothing.
func (t *Table) Find(host, path string) (b Backend, ok bool) {
	for _, name := range candidates(host) {
		routes, known := t.Hosts[name]
		if !known {
			continue
		}
		for _, r := range routes {
			if r.matches(path) {
				return r.Backend, true
			}
		}
		break // who has rules for a host has all rules for it
	}
	if t.Default != nil {
		return *t.Default, true
	}
	return Backend{}, false
}

// candidates are the names by which a host may be known, the most exact first.
func candidates(host string) []string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	names := []string{host}
	if _, parent, ok := strings.Cut(host, "."); ok && parent != "" {
		names = append(names, "*."+parent)
	}
	return append(names, "")
}

// matches compares whole elements of the path: /foo is not a prefix of /foobar.
func (r Route) matches(path string) bool {
	if r.Exact {
		return path == r.Path
	}
	prefix := strings.TrimSuffix(r.Path, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// Certificate is that of a host; nil if it has none.
func (t *Table) Certificate(host string) *tls.Certificate {
	for _, name := range candidates(host) {
		if c := t.Certificates[name]; c != nil {
			return c
		}
	}
	return nil
}
