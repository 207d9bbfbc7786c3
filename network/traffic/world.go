package traffic

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	onetworkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/policy"
)

// World is all that an answer depends on.
type World struct {
	policy.Cluster
	Services []*corev1.Service
	Slices   []*discoveryv1.EndpointSlice
	Nodes    []*corev1.Node
}

// Read reads the world from the API server, or a cache.
func Read(ctx context.Context, read client.Reader) (World, error) {
	var (
		w          World
		pods       ocorev1.PodList
		services   ocorev1.ServiceList
		slices     odiscoveryv1.EndpointSliceList
		policies   onetworkingv1.NetworkPolicyList
		namespaces corev1.NamespaceList
		nodes      ocorev1.NodeList
	)
	for _, list := range []client.ObjectList{&pods, &services, &slices, &policies, &namespaces, &nodes} {
		if err := read.List(ctx, list); err != nil {
			return w, fmt.Errorf("listing what traffic depends on: %w", err)
		}
	}
	for i := range pods.Items {
		w.Pods = append(w.Pods, (*corev1.Pod)(&pods.Items[i]))
	}
	for i := range services.Items {
		w.Services = append(w.Services, (*corev1.Service)(&services.Items[i]))
	}
	for i := range slices.Items {
		w.Slices = append(w.Slices, (*discoveryv1.EndpointSlice)(&slices.Items[i]))
	}
	for i := range policies.Items {
		w.Policies = append(w.Policies, (*networkingv1.NetworkPolicy)(&policies.Items[i]))
	}
	for i := range namespaces.Items {
		w.Namespaces = append(w.Namespaces, &namespaces.Items[i])
	}
	for i := range nodes.Items {
		w.Nodes = append(w.Nodes, (*corev1.Node)(&nodes.Items[i]))
	}
	return w, nil
}

func (w World) pod(namespace, name string) *corev1.Pod {
	return find(w.Pods, func(p *corev1.Pod) bool { return p.Namespace == namespace && p.Name == name })
}

func (w World) service(namespace, name string) *corev1.Service {
	return find(w.Services, func(s *corev1.Service) bool { return s.Namespace == namespace && s.Name == name })
}

func (w World) node(name string) *corev1.Node {
	return find(w.Nodes, func(n *corev1.Node) bool { return n.Name == name })
}

// podAt is the pod that has an address of its own.
func (w World) podAt(address netip.Addr) *corev1.Pod {
	return find(w.Pods, func(p *corev1.Pod) bool {
		return !p.Spec.HostNetwork && !ended(p) && slices.Contains(podAddresses(p), address)
	})
}

func (w World) nodeAt(address netip.Addr) *corev1.Node {
	return find(w.Nodes, func(n *corev1.Node) bool {
		return slices.ContainsFunc(n.Status.Addresses, func(a corev1.NodeAddress) bool { return a.Address == address.String() })
	})
}

func find[T any](all []*T, is func(*T) bool) *T {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i]
	}
	return nil
}

func ended(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

func podAddresses(p *corev1.Pod) []netip.Addr {
	var texts []string
	for _, ip := range p.Status.PodIPs {
		texts = append(texts, ip.IP)
	}
	return parse(texts)
}

// internalAddresses are how a node is reached.
func internalAddresses(n *corev1.Node) []netip.Addr {
	var texts []string
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			texts = append(texts, a.Address)
		}
	}
	return parse(texts)
}

// first is the first of some addresses that is of a family; not valid if none is.
func first(all []netip.Addr, f ipfamily.Family) netip.Addr {
	if i := slices.IndexFunc(all, f.Has); i >= 0 {
		return all[i]
	}
	return netip.Addr{}
}

// parse reads the addresses among some texts.
func parse(texts []string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil && !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	return all
}
