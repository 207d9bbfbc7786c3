package subsets

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// Pack is the canonical form of subsets; never nil.
func Pack(subsets []corev1.EndpointSubset) []corev1.EndpointSubset {
	p := packing{addresses: map[address]corev1.EndpointAddress{}, offers: map[port]offer{}}
	for _, subset := range subsets {
		if len(subset.Ports) == 0 {
			p.offer(port{}, nil, subset)
		}
		for i := range subset.Ports {
			p.offer(portOf(subset.Ports[i]), &subset.Ports[i], subset)
		}
	}
	return p.subsets()
}

// packing is what is known of all subsets: the addresses, and by which ports they can be reached.
type packing struct {
	addresses map[address]corev1.EndpointAddress
	offers    map[port]offer
}

// address tells addresses apart: pods in their node's network have the same IP.
type address struct {
	ip  string
	uid types.UID
}

// port tells ports apart; that of a subset without ports is empty.
type port struct {
	name     string
	number   int32
	protocol corev1.Protocol
	app      string
}

// offer is a port with the addresses that it has, and whether each is ready.
type offer struct {
	port  *corev1.EndpointPort // nil means none
	ready map[address]bool
}

func addressOf(a corev1.EndpointAddress) address {
	key := address{ip: a.IP}
	if a.TargetRef != nil {
		key.uid = a.TargetRef.UID
	}
	return key
}

func portOf(p corev1.EndpointPort) port {
	return port{p.Name, p.Port, p.Protocol, ptr.Deref(p.AppProtocol, "-")}
}

// offer notes that the addresses of a subset can be reached by a port of it.
func (p packing) offer(key port, is *corev1.EndpointPort, subset corev1.EndpointSubset) {
	offered, ok := p.offers[key]
	if !ok {
		offered = offer{is, map[address]bool{}}
		p.offers[key] = offered
	}
	for _, a := range subset.Addresses {
		offered.add(p.know(a), true)
	}
	for _, a := range subset.NotReadyAddresses {
		offered.add(p.know(a), false)
	}
}

// know keeps what was first said of an address.
func (p packing) know(a corev1.EndpointAddress) address {
	key := addressOf(a)
	if _, known := p.addresses[key]; !known {
		p.addresses[key] = a
	}
	return key
}

func (o offer) add(a address, ready bool) {
	before, known := o.ready[a]
	o.ready[a] = ready && (before || !known)
}

// subsets are the offers, those of the same addresses together.
func (p packing) subsets() []corev1.EndpointSubset {
	bySet := map[string]*corev1.EndpointSubset{}
	for _, offered := range p.offers {
		if len(offered.ready) == 0 {
			continue
		}
		sorted := slices.SortedFunc(maps.Keys(offered.ready), compareAddresses)
		key := offered.key(sorted)
		if bySet[key] == nil {
			bySet[key] = p.subset(offered, sorted)
		}
		if offered.port != nil {
			bySet[key].Ports = append(bySet[key].Ports, *offered.port.DeepCopy())
		}
	}
	packed := make([]corev1.EndpointSubset, 0, len(bySet))
	for _, key := range slices.Sorted(maps.Keys(bySet)) {
		slices.SortFunc(bySet[key].Ports, comparePorts)
		packed = append(packed, *bySet[key])
	}
	slices.SortStableFunc(packed, func(a, b corev1.EndpointSubset) int { return slices.CompareFunc(a.Ports, b.Ports, comparePorts) })
	return packed
}

// key is the same for the same addresses, ready or not.
func (o offer) key(sorted []address) string {
	var key strings.Builder
	for _, a := range sorted {
		fmt.Fprintf(&key, "%s %s %t,", a.ip, a.uid, o.ready[a])
	}
	return key.String()
}

func (p packing) subset(o offer, sorted []address) *corev1.EndpointSubset {
	var subset corev1.EndpointSubset
	for _, a := range sorted {
		is := p.addresses[a]
		if o.ready[a] {
			subset.Addresses = append(subset.Addresses, *is.DeepCopy())
		} else {
			subset.NotReadyAddresses = append(subset.NotReadyAddresses, *is.DeepCopy())
		}
	}
	return &subset
}

func compareAddresses(a, b address) int {
	return cmp.Or(cmp.Compare(a.ip, b.ip), cmp.Compare(a.uid, b.uid))
}

func comparePorts(a, b corev1.EndpointPort) int {
	return cmp.Or(
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Port, b.Port),
		cmp.Compare(a.Protocol, b.Protocol),
		cmp.Compare(ptr.Deref(a.AppProtocol, "-"), ptr.Deref(b.AppProtocol, "-")),
	)
}
