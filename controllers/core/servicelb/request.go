package servicelb

import (
	"slices"
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// ensured is what the balancer was asked for, and what it answered.
type ensured struct {
	request
	status corev1.LoadBalancerStatus
}

// request is all that a load balancer depends on.
type request struct {
	UID         types.UID
	Spec        corev1.ServiceSpec
	Annotations map[string]string
	// Nodes are their names and provider IDs.
	Nodes []string
}

// requestOf is what a Service asks for. Nothing else of its spec concerns a load balancer.
func requestOf(service *ocorev1.Service, nodes []*corev1.Node) request {
	s := service.Spec
	r := request{
		UID:         service.UID,
		Annotations: service.Annotations,
		Spec: corev1.ServiceSpec{
			Ports:                    s.Ports,
			ExternalIPs:              s.ExternalIPs,
			SessionAffinity:          s.SessionAffinity,
			SessionAffinityConfig:    s.SessionAffinityConfig,
			LoadBalancerIP:           s.LoadBalancerIP,
			LoadBalancerSourceRanges: s.LoadBalancerSourceRanges,
			ExternalTrafficPolicy:    s.ExternalTrafficPolicy,
			HealthCheckNodePort:      s.HealthCheckNodePort,
			IPFamilies:               s.IPFamilies,
		},
	}
	for _, node := range nodes {
		r.Nodes = append(r.Nodes, node.Name+" "+node.Spec.ProviderID)
	}
	return r
}

// like says whether two requests are the same but for Nodes.
func (r request) like(other request) bool {
	r.Nodes, other.Nodes = nil, nil
	return equality.Semantic.DeepEqual(r, other)
}

func (r request) sameNodes(other request) bool { return slices.Equal(r.Nodes, other.Nodes) }

// addresses are what a load balancer is reached at.
func addresses(status *corev1.LoadBalancerStatus) string {
	var all []string
	for _, ingress := range status.Ingress {
		all = append(all, ingress.IP+ingress.Hostname)
	}
	return strings.Join(all, ", ")
}

// sameStatus says whether two statuses have the same addresses, in the same mode: the API server fills that in.
func sameStatus(a, b corev1.LoadBalancerStatus) bool {
	return equality.Semantic.DeepEqual(withModes(a), withModes(b))
}

func withModes(status corev1.LoadBalancerStatus) []corev1.LoadBalancerIngress {
	all := slices.Clone(status.Ingress)
	for i := range all {
		if all[i].IP != "" && all[i].IPMode == nil {
			all[i].IPMode = ptr.To(corev1.LoadBalancerIPModeVIP)
		}
	}
	return all
}
