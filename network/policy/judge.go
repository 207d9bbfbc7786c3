package policy

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Cluster is what policies are about: all of them, with all namespaces and pods.
type Cluster struct {
	Policies   []*networkingv1.NetworkPolicy
	Namespaces []*corev1.Namespace
	Pods       []*corev1.Pod
}

// Packet is the first packet of a connection, as it is when it is forwarded: to the pod behind a Service, and from the one who sent it.
type Packet struct {
	From, To netip.Addr
	// Protocol is TCP if empty.
	Protocol corev1.Protocol
	Port     uint16
}

// Verdict is what the policies about one pod say of a packet.
type Verdict struct {
	// Pod is whom they are about, as NAMESPACE/NAME; empty where nobody has the address, and so nothing is said.
	Pod string `json:"pod,omitempty"`
	// Isolating names the policies that isolate the pod in this direction. With none, everything passes.
	Isolating []string `json:"isolating,omitempty"`
	// By is the rule of one of them that lets the packet through, in words.
	By string `json:"by,omitempty"`
}

// Passes says whether the packet is let through.
func (v Verdict) Passes() bool { return len(v.Isolating) == 0 || v.By != "" }

// Out judges by the policies of the pod that sends, whichever node it is on.
func (c Cluster) Out(p Packet) Verdict { return c.judge(egress, p) }

// In judges by the policies of the pod that receives, whichever node it is on.
func (c Cluster) In(p Packet) Verdict { return c.judge(ingress, p) }

func (c Cluster) judge(d direction, packet Packet) Verdict {
	j := judge{packet: packet, namespaces: map[string]labels.Set{}}
	pods := podsOf(c.Pods, "")
	at := func(address netip.Addr) *pod {
		if i := slices.IndexFunc(pods, func(p pod) bool { return p.address == address }); i >= 0 {
			return &pods[i]
		}
		return nil
	}
	j.called = at(packet.To)
	own := j.called
	j.peer, j.address = at(packet.From), packet.From
	if d == egress {
		own, j.peer, j.address = j.peer, j.called, packet.To
	}
	if own == nil {
		return Verdict{}
	}
	v := Verdict{Pod: own.String()}
	if packet.From == packet.To {
		return v // a pod always reaches itself
	}
	for _, namespace := range c.Namespaces {
		j.namespaces[namespace.Name] = namespace.Labels
	}
	for _, policy := range thatSelect(byNamespace(c.Policies)[own.namespace], own, d) {
		v.Isolating = append(v.Isolating, policy.Namespace+"/"+policy.Name)
		for i, rule := range rulesOf(d, policy) {
			if v.By == "" && j.isOne(policy.Namespace, rule.peers) && j.isAt(rule.ports) {
				v.By = fmt.Sprintf("%s rule %d of NetworkPolicy %s/%s", d.name, i+1, policy.Namespace, policy.Name)
			}
		}
	}
	return v
}

// judge asks rules about one packet.
type judge struct {
	packet     Packet
	namespaces map[string]labels.Set
	// called is the pod that the packet is to, peer the one at the other end than the isolated pod, with its address. Nil is nobody's.
	called, peer *pod
	address      netip.Addr
}

// isOne says whether the other end is among the peers of a rule; no peers are everybody.
func (j *judge) isOne(namespace string, peers []networkingv1.NetworkPolicyPeer) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
		if p.IPBlock != nil {
			return within(j.address, p.IPBlock.CIDR) && !slices.ContainsFunc(p.IPBlock.Except, func(except string) bool { return within(j.address, except) })
		}
		return j.peer != nil && peerSelection(namespace, p).selects(j.peer, j.namespaces)
	})
}

func within(address netip.Addr, block string) bool {
	prefix, err := netip.ParsePrefix(block)
	return err == nil && prefix.Contains(address)
}

// isAt says whether the packet is to one of the ports of a rule; no ports are every one.
func (j *judge) isAt(ports []networkingv1.NetworkPolicyPort) bool {
	protocol, port := protocolOf(&j.packet.Protocol), int32(j.packet.Port)
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		switch {
		case protocolOf(p.Protocol) != protocol:
			return false
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			return j.called != nil && slices.ContainsFunc(j.called.ports, func(has corev1.ContainerPort) bool {
				return has.Name == p.Port.StrVal && has.ContainerPort == port && protocolOf(&has.Protocol) == protocol
			})
		case p.EndPort != nil:
			return p.Port.IntVal <= port && port <= *p.EndPort
		default:
			return p.Port.IntVal == port
		}
	})
}
