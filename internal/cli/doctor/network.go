package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
)

// What is in the way of the network.

func forwarding(m Machine) []Finding {
	found := forwards(m.Forwarding, "packets", "net.ipv4.ip_forward")
	switch {
	case !m.Instance.IPv6:
		return found
	case errors.Is(m.ForwardingIPv6.Err, fs.ErrNotExist):
		return append(found, fail("this kernel has IPv6 turned off", "pods and Services are to have addresses of it, as the instance was started",
			"start the machine without ipv6.disable=1 on the kernel's command line, or another instance with ranges of IPv4 alone")...)
	default:
		return append(found, forwards(m.ForwardingIPv6, "packets of IPv6", "net.ipv6.conf.all.forwarding")...)
	}
}

// forwards judges a setting by which the machine forwards packets of some kind.
func forwards(seen Seen[Setting], kind, name string) []Finding {
	return look(seen, name, func(s Setting) []Finding {
		switch {
		case s.Value == 1:
			return well("the machine forwards %s", kind)
		case s.Writeable:
			return well("the machine does not forward %s yet: that is turned on at the start", kind)
		}
		return fail("the machine does not forward "+kind+", and we may not change that",
			"pods reach neither each other nor anything else", "sysctl -w "+name+"=1, where the machine is configured")
	})
}

func firewall(m Machine) []Finding {
	return look(m.Nft, "the firewall", func(n Nft) []Finding {
		switch {
		case n.Version == "" || n.Broken != "":
			return nil // that is the finding of another check
		case len(n.Refusing) == 0:
			return well("no other firewall refuses to forward packets")
		}
		cure := "nft insert rule CHAIN ip saddr PODS accept; nft insert rule CHAIN ip daddr PODS accept"
		cure = strings.NewReplacer("CHAIN", n.Refusing[0], "PODS", m.Instance.Pods.String()).Replace(cure)
		return warn(fmt.Sprintf("%s drops what is forwarded, unless a rule lets it pass", strings.Join(n.Refusing, ", ")),
			"pods may not reach each other, services or the outside: their packets pass the host's firewall", cure)
	})
}

// strict is the value of rp_filter by which a packet is dropped unless its answer would leave by the same device.
const strict = 1

func reversePath(m Machine) []Finding {
	return look(m.ReversePath, "net.ipv4.conf.all.rp_filter", func(filter int) []Finding {
		ways := m.waysOut()
		if filter == strict && len(ways) > 1 {
			return warn(fmt.Sprintf("net.ipv4.conf.all.rp_filter is 1, and there are %d ways out (%s)", len(ways), strings.Join(ways, ", ")),
				"what comes in by one way and is answered by another is dropped: node ports do not answer there",
				"sysctl -w net.ipv4.conf.all.rp_filter=2")
		}
		return well("net.ipv4.conf.all.rp_filter is %d, and the ways out are by %s", filter, cmp.Or(strings.Join(ways, ", "), "no device"))
	})
}

// waysOut are the devices with a default route.
func (m Machine) waysOut() []string {
	var devices []string
	for _, route := range m.Routes.Value {
		if route.To.Bits() == 0 && !slices.Contains(devices, route.Device) {
			devices = append(devices, route.Device)
		}
	}
	return devices
}

// widest is how wide a network may be for an overlap with it to mean anything: of a 10.0.0.0/8 nobody uses every address.
const widest = 12

func addresses(m Machine) []Finding {
	return look(m.Routes, "the routes", func(routes []Route) []Finding {
		var found []Finding
		for _, of := range []struct {
			what  string
			where netip.Prefix
		}{{"pods", m.Instance.Pods}, {"services", m.Instance.Services}} {
			for _, route := range routes {
				if route.To.Bits() >= widest && route.To.Overlaps(of.where) && !slices.Contains(m.Instance.Devices, route.Device) {
					found = append(found, warn(
						fmt.Sprintf("%s, the addresses of %s, overlap with %s, which this machine reaches by %s", of.where, of.what, route.To, route.Device),
						"either the pods or that network cannot be reached",
						"ip route del "+route.To.String()+", or stop what made it: a VPN, or another network of containers")...)
				}
			}
			for _, resolver := range m.Resolvers.Value {
				if of.where.Contains(resolver) {
					found = append(found, warn(fmt.Sprintf("the name server %s is among the addresses of %s, %s", resolver, of.what, of.where),
						"names cannot be looked up, neither by pods nor by this machine", "change the name server in /etc/resolv.conf")...)
				}
			}
		}
		if len(found) == 0 {
			return well("the addresses of pods (%s) and services (%s) are nobody else's", m.Instance.Pods, m.Instance.Services)
		}
		return found
	})
}

func ports(m Machine) []Finding {
	return look(m.Ports, "the ports in use", func(taken []Port) []Finding {
		if m.Instance.Running {
			return well("the instance has its ports")
		}
		var found []Finding
		for _, port := range taken {
			by := port.By
			if by == "" {
				by = "another process"
			}
			what := fmt.Sprintf("port %d is in use by %s", port.Number, by)
			if port.Number == m.Instance.Port && m.Instance.Chosen {
				found = append(found, fail(what, "the API server is to listen there: every kubeconfig names the port",
					fmt.Sprintf("stop %s, or orrery up --port N", by))...)
				continue
			}
			found = append(found, well("%s: another one is taken", what)...)
		}
		if len(found) == 0 {
			return well("port %d is free", m.Instance.Port)
		}
		return found
	})
}
