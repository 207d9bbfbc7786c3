package bridge

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/orrery-dev/orrery/internal/durable"
	"github.com/orrery-dev/orrery/network/ipfamily"
)

// cniVersion is the version of the CNI specification that the configuration follows.
const cniVersion = "1.0.0"

// conflist is a CNI network configuration list, as far as we fill it in:
// https://www.cni.dev/docs/spec/#section-1-network-configuration-format
type conflist struct {
	CNIVersion string `json:"cniVersion"`
	Name       string `json:"name"`
	Plugins    []any  `json:"plugins"`
}

// bridgePlugin: https://www.cni.dev/plugins/current/main/bridge/
type bridgePlugin struct {
	Type             string   `json:"type"`
	Bridge           string   `json:"bridge"`
	IsDefaultGateway bool     `json:"isDefaultGateway"`
	IPMasq           bool     `json:"ipMasq"`
	HairpinMode      bool     `json:"hairpinMode"`
	PortIsolation    bool     `json:"portIsolation"`
	MTU              int      `json:"mtu,omitempty"`
	IPAM             ipamPart `json:"ipam"`
}

// ipamPart: https://www.cni.dev/plugins/current/ipam/host-local/
type ipamPart struct {
	Type    string       `json:"type"`
	DataDir string       `json:"dataDir"`
	Ranges  [][]ipamPool `json:"ranges"`
	Routes  []ipamRoute  `json:"routes,omitempty"`
}

type ipamRoute struct {
	Dst string `json:"dst"`
	GW  string `json:"gw"`
}

type ipamPool struct {
	Subnet  string `json:"subnet"`
	Gateway string `json:"gateway"`
}

// portmapPlugin: https://www.cni.dev/plugins/current/meta/portmap/
type portmapPlugin struct {
	Type         string          `json:"type"`
	Backend      string          `json:"backend"`
	SNAT         bool            `json:"snat"`
	Capabilities map[string]bool `json:"capabilities"`
}

// Conflist is the CNI configuration: the bridge, one address of each of the node's ranges for each pod, and host ports. The runtime adds
// the loopback device by itself. Masquerading is not left to the bridge plugin, which would hide the source of traffic to other
// nodes' pods and add rules for every pod.
func (n *Network) Conflist(p Passage) ([]byte, error) {
	o := n.options
	list := conflist{
		CNIVersion: cniVersion,
		Name:       "orrery-" + o.Name,
		Plugins: []any{
			bridgePlugin{
				Type:             "bridge",
				Bridge:           n.Interface(),
				IsDefaultGateway: true,
				HairpinMode:      true,
				PortIsolation:    p == Routed,
				MTU:              o.MTU,
				IPAM: ipamPart{
					Type:    "host-local",
					DataDir: n.allocations(),
					Ranges:  n.pools(),
					Routes:  n.podRoutes(p),
				},
			},
			portmapPlugin{
				Type:         "portmap",
				Backend:      "nftables",
				SNAT:         true,
				Capabilities: map[string]bool{"portMappings": true},
			},
		},
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the CNI configuration of pod network %s: %w", o.Name, err)
	}
	return append(text, '\n'), nil
}

// pools are the addresses that pods get: one of each.
func (n *Network) pools() [][]ipamPool {
	var all [][]ipamPool
	for _, pods := range n.options.PodCIDRs {
		all = append(all, []ipamPool{{Subnet: pods.String(), Gateway: pods.Addr().Next().String()}})
	}
	return all
}

// podRoutes have a pod send to other pods of its node by the host, where that routes between them. In IPv4 it answers ARP for all of
// them; nothing does so in IPv6. So there are routes to the two halves of the range, which precede the one to all of it that comes with
// the pod's address. The half with the gateway is the last one: once it is there the kernel takes no further route by that.
func (n *Network) podRoutes(p Passage) []ipamRoute {
	pods := n.pods(ipfamily.IPv6)
	if p != Routed || !pods.IsValid() {
		return nil
	}
	gateway := n.gateway(ipfamily.IPv6).String()
	lower := netip.PrefixFrom(pods.Addr(), pods.Bits()+1)
	upper := pods.Addr().As16()
	upper[pods.Bits()/8] |= 0x80 >> (pods.Bits() % 8)
	return []ipamRoute{
		{Dst: "::/0", GW: gateway},
		{Dst: netip.PrefixFrom(netip.AddrFrom16(upper), pods.Bits()+1).String(), GW: gateway},
		{Dst: lower.String(), GW: gateway},
	}
}

// writeConflist puts the configuration where the runtime looks, whole or not at all. containerd watches the directory, and hears of what
// is renamed in it, but not of what is moved to it from elsewhere.
func (n *Network) writeConflist(p Passage) error {
	text, err := n.Conflist(p)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(n.ConfDir(), 0o755); err != nil {
		return fmt.Errorf("making the directory of the CNI configuration: %w", err)
	}
	file := filepath.Join(n.ConfDir(), "10-orrery.conflist")
	if current, err := os.ReadFile(file); err == nil && string(current) == string(text) {
		return nil
	}
	if err := durable.WriteFile(file, text, 0o644); err != nil {
		return fmt.Errorf("writing the CNI configuration: %w", err)
	}
	return nil
}
