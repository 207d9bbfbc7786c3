package traffic

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Question is a connection that somebody asks about.
type Question struct {
	// From is who opens it: pod/NAME, NAME, node/NAME or an address. A pod may be named NAMESPACE/NAME after its kind.
	From string
	// To is what it is opened to: pod/NAME, service/NAME, node/NAME, an address, or a name as the one who opens it would use.
	To string
	// Port is a number, or the name of a port of the Service. Empty means the only port that a Service has.
	Port string
	// Protocol is TCP if empty.
	Protocol corev1.Protocol
	// Namespace is that of pods and Services which are named without one; default if empty.
	Namespace string
	// Domain is that of the cluster's names; cluster.local if empty.
	Domain string
}

func (q Question) withDefaults() Question {
	if q.Protocol == "" {
		q.Protocol = corev1.ProtocolTCP
	}
	if q.Namespace == "" {
		q.Namespace = corev1.NamespaceDefault
	}
	if q.Domain == "" {
		q.Domain = "cluster.local"
	}
	return q
}

// Target splits what a person typed as TO:PORT. The port may be missing; an IPv6 address with one is in brackets.
func Target(text string) (to, port string) {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.String(), ""
	}
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().String(), strconv.Itoa(int(at.Port()))
	}
	to, port, _ = strings.Cut(text, ":")
	return to, port
}

// object is something of the API that is named.
type object struct{ kind, namespace, name string }

// The kinds that can be named, by what people call them.
var kinds = map[string]string{
	"pod": "pod", "pods": "pod", "po": "pod",
	"service": "service", "services": "service", "svc": "service",
	"node": "node", "nodes": "node", "no": "node",
}

// named reads KIND/NAME and KIND/NAMESPACE/NAME. What has no kind is nothing of the kind.
func (q Question) named(text string) (object, bool, error) {
	parts := strings.Split(text, "/")
	if len(parts) == 1 {
		return object{}, false, nil
	}
	o := object{kind: kinds[strings.ToLower(parts[0])], namespace: q.Namespace, name: parts[len(parts)-1]}
	if len(parts) == 3 && o.kind != "node" {
		o.namespace = parts[1]
	} else if len(parts) != 2 {
		o.kind = ""
	}
	if o.kind == "" || o.name == "" || o.namespace == "" {
		return object{}, false, fmt.Errorf("%q: want pod/NAME, service/NAME, node/NAME, an address or a name, as in service/web or pod/shop/web-0", text)
	}
	return o, true, nil
}

// portNumber reads a port that has to be a number.
func portNumber(text string) (uint16, error) {
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 {
		return 0, fmt.Errorf("port %q: want a number from 1 to 65535", text)
	}
	return uint16(number), nil
}
