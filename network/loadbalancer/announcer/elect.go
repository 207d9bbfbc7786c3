package announcer

import (
	"hash/fnv"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/orrery-dev/orrery/network/loadbalancer"
)

// finalizer is what Services hold whose load balancer is one of this control plane's.
const finalizer = "service.kubernetes.io/load-balancer-cleanup"

// balanced are the Services of each address that may have to be announced, in the order of their names.
func balanced(services []*corev1.Service) map[netip.Addr][]*corev1.Service {
	all := map[netip.Addr][]*corev1.Service{}
	for _, s := range services {
		if s.Spec.Type != corev1.ServiceTypeLoadBalancer || !slices.Contains(s.Finalizers, finalizer) ||
			s.Spec.LoadBalancerClass != nil && *s.Spec.LoadBalancerClass != loadbalancer.Class {
			continue
		}
		for _, ingress := range s.Status.LoadBalancer.Ingress {
			address, err := netip.ParseAddr(ingress.IP)
			if err == nil && address.Is4() && (ingress.IPMode == nil || *ingress.IPMode == corev1.LoadBalancerIPModeVIP) {
				all[address] = append(all[address], s)
			}
		}
	}
	return all
}

// candidates are the names of the nodes that may answer for an address which some Services have, and which is in a network.
func candidates(w World, services []*corev1.Service, network netip.Prefix) []string {
	var ready []string
	for _, node := range w.Nodes {
		if isReady(node) && isIn(node, network) {
			ready = append(ready, node.Name)
		}
	}
	if len(ready) == 0 {
		ready = []string{w.NodeName}
	}
	for _, s := range services {
		if s.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal {
			continue
		}
		with := slices.DeleteFunc(slices.Clone(ready), func(node string) bool { return !hasEndpoint(w.Slices, s, node) })
		if len(with) > 0 {
			ready = with
		}
	}
	return ready
}

// elect is the node that answers for an address: the one whose name, with the address, has the highest hash. So every node elects the
// same, and no other address moves when one comes or goes.
func elect(address netip.Addr, nodes []string) string {
	var elected string
	var highest uint64
	for _, node := range nodes {
		h := fnv.New64a()
		_, _ = h.Write([]byte(node + " " + address.String())) // it never fails
		if sum := mix(h.Sum64()); elected == "" || sum > highest || sum == highest && node < elected {
			elected, highest = node, sum
		}
	}
	return elected
}

// mix spreads a hash, of which the last bytes that went in have hardly moved the highest bits, over all bits (as splitmix64 does).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func isReady(node *corev1.Node) bool {
	if excluded, there := node.Labels[corev1.LabelNodeExcludeBalancers]; there {
		if really, err := strconv.ParseBool(excluded); really || err != nil {
			return false
		}
	}
	return node.DeletionTimestamp == nil && slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// isIn says whether a node is reached at an address of a network.
func isIn(node *corev1.Node, network netip.Prefix) bool {
	return slices.ContainsFunc(node.Status.Addresses, func(a corev1.NodeAddress) bool {
		address, err := netip.ParseAddr(a.Address)
		return a.Type == corev1.NodeInternalIP && err == nil && network.Contains(address)
	})
}

// hasEndpoint says whether a Service has a ready endpoint on a node.
func hasEndpoint(all []*discoveryv1.EndpointSlice, service *corev1.Service, node string) bool {
	return slices.ContainsFunc(all, func(slice *discoveryv1.EndpointSlice) bool {
		return slice.Namespace == service.Namespace && slice.Labels[discoveryv1.LabelServiceName] == service.Name &&
			slices.ContainsFunc(slice.Endpoints, func(e discoveryv1.Endpoint) bool {
				return e.NodeName != nil && *e.NodeName == node && (e.Conditions.Ready == nil || *e.Conditions.Ready)
			})
	})
}
