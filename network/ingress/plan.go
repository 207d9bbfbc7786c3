package ingress

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/framework/engine"
)

// lookAgain is how often Secrets are read again.
const lookAgain = 10 * time.Second

// Options say where Ingresses are served.
type Options struct {
	// Address is where requests come, as the status of Ingresses says.
	Address netip.Addr
}

// Plan brings routes, statuses and our class to what Ingresses want.
func Plan(w World) *engine.Plan[*node] {
	p := &engine.Plan[*node]{}
	if !slices.ContainsFunc(w.Classes, func(c *networkingv1.IngressClass) bool { return c.Name == ClassName }) {
		p.Do(&makeClass{isDefault: !slices.ContainsFunc(w.Classes, isDefault)})
	}
	mine := ours(w)
	table := compile(w, mine)
	if w.Present.String() != table.String() {
		p.Do(&serve{table})
	}
	for _, ingress := range mine {
		if wanted := statusOf(w.Address, ingress); !equality.Semantic.DeepEqual(ingress.Status.LoadBalancer, wanted) {
			p.Do(&report{ingress, wanted})
		}
		for _, of := range ingress.Spec.TLS {
			name := types.NamespacedName{Namespace: ingress.Namespace, Name: of.SecretName}
			if why := w.Unusable[name]; why != "" {
				p.Because(fmt.Sprintf("the routes are those of %d Ingresses; but Secret %s cannot be used: %s", len(mine), name, why))
			}
		}
	}
	p.Because(fmt.Sprintf("the routes are those of %d Ingresses", len(mine)))
	if len(secretNames(mine)) > 0 {
		p.After(lookAgain, "a Secret may have changed")
	}
	return p
}

func isDefault(class *networkingv1.IngressClass) bool {
	return class.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true"
}

// statusOf says where an Ingress is served: at our address, by TLS too if it names a Secret.
func statusOf(address netip.Addr, ingress *networkingv1.Ingress) networkingv1.IngressLoadBalancerStatus {
	ports := []networkingv1.IngressPortStatus{{Port: httpPort, Protocol: "TCP"}}
	if len(ingress.Spec.TLS) > 0 {
		ports = append(ports, networkingv1.IngressPortStatus{Port: httpsPort, Protocol: "TCP"})
	}
	return networkingv1.IngressLoadBalancerStatus{Ingress: []networkingv1.IngressLoadBalancerIngress{{IP: address.String(), Ports: ports}}}
}
