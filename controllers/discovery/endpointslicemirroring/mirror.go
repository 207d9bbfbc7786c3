package endpointslicemirroring

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/subsets"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	netutil "k8s.io/utils/net"
)

// most is how many addresses of a subset are mirrored.
const most = 1000

// mirroring is what slices shall say, and what they leave out.
type mirroring struct {
	images []image
	// invalid is how many addresses are none; tooMany how many there was no room for.
	invalid, tooMany int
}

// image is what one slice shall say.
type image struct {
	family    discoveryv1.AddressType
	ports     []discoveryv1.EndpointPort
	endpoints []discoveryv1.Endpoint
}

// mirror is the mirror image of Endpoints.
func mirror(endpoints *ocorev1.Endpoints) mirroring {
	var m mirroring
	for _, subset := range subsets.Pack(endpoints.Subsets) {
		m.add(subset)
	}
	return m
}

// add adds the image of a subset for each family that it has addresses of.
func (m *mirroring) add(subset corev1.EndpointSubset) {
	byFamily := map[discoveryv1.AddressType][]discoveryv1.Endpoint{}
	added := 0
	put := func(addresses []corev1.EndpointAddress, ready bool) {
		for i := range addresses {
			f, e, ok := endpointOf(&addresses[i], ready)
			switch {
			case added >= most:
				m.tooMany++
			case !ok:
				m.invalid++
			default:
				byFamily[f] = append(byFamily[f], e)
				added++
			}
		}
	}
	put(subset.Addresses, true)
	put(subset.NotReadyAddresses, false)
	for _, f := range []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6} {
		if len(byFamily[f]) > 0 {
			m.images = append(m.images, image{f, portsOf(subset.Ports), byFamily[f]})
		}
	}
}

// endpointOf is an address as a slice of its family lists it; false means that it is none.
func endpointOf(address *corev1.EndpointAddress, ready bool) (discoveryv1.AddressType, discoveryv1.Endpoint, bool) {
	ip := netutil.ParseIPSloppy(address.IP)
	if ip == nil {
		return "", discoveryv1.Endpoint{}, false
	}
	e := discoveryv1.Endpoint{
		Addresses:  []string{ip.String()},
		Conditions: discoveryv1.EndpointConditions{Ready: &ready},
		TargetRef:  address.TargetRef,
		NodeName:   address.NodeName,
	}
	if address.Hostname != "" {
		e.Hostname = &address.Hostname
	}
	if netutil.IsIPv6(ip) {
		return discoveryv1.AddressTypeIPv6, e, true
	}
	return discoveryv1.AddressTypeIPv4, e, true
}

func portsOf(ports []corev1.EndpointPort) []discoveryv1.EndpointPort {
	all := make([]discoveryv1.EndpointPort, 0, len(ports))
	for i := range ports {
		p := &ports[i]
		all = append(all, discoveryv1.EndpointPort{Name: &p.Name, Port: &p.Port, Protocol: &p.Protocol, AppProtocol: p.AppProtocol})
	}
	return all
}
