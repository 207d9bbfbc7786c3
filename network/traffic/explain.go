package traffic

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/policy"
)

// Explain answers a question. Its errors are about the question: something that does not exist, or a port that is missing.
func Explain(w World, q Question) (Answer, error) {
	e := &explanation{World: w, Question: q.withDefaults()}
	if err := e.findSource(); err != nil {
		return Answer{}, err
	}
	if err := e.follow(); err != nil {
		return Answer{}, err
	}
	e.answer.From = e.source.String()
	if e.answer.Outcome == "" {
		e.answer.conclude()
	}
	return e.answer, nil
}

// explanation is an answer that is being made.
type explanation struct {
	World
	Question
	source source
	// family is that of the address that was asked for; empty where none was.
	family ipfamily.Family
	// arrival is the node whose rules translate a connection to an outer address of a Service; hidden says that on the way to another
	// node it gets that node's address.
	arrival *corev1.Node
	hidden  bool
	answer  Answer
}

func (e *explanation) say(about, format string, args ...any) {
	e.answer.Steps = append(e.answer.Steps, Step{about, fmt.Sprintf(format, args...)})
}

// give ends it without any end, with a sentence.
func (e *explanation) give(outcome Outcome, format string, args ...any) {
	e.answer.Outcome, e.answer.Conclusion = outcome, fmt.Sprintf(format, args...)
}

// source is who opens a connection.
type source struct {
	pod  *corev1.Pod // with an address of its own; nil for a node, or somebody outside
	node *corev1.Node
	// addresses are at most one of each family; the first is what it is called by.
	addresses []netip.Addr
}

// towards is the address from which it speaks to another, which is of the same family; not valid if it has none.
func (s source) towards(to netip.Addr) netip.Addr {
	return first(s.addresses, ipfamily.Of(to))
}

func (s source) String() string {
	switch {
	case s.pod != nil:
		return fmt.Sprintf("pod %s/%s, %s on node %s", s.pod.Namespace, s.pod.Name, s.addresses[0], s.pod.Spec.NodeName)
	case s.node != nil && len(s.addresses) == 0:
		return "node " + s.node.Name
	case s.node != nil:
		return fmt.Sprintf("node %s, %s", s.node.Name, s.addresses[0])
	default:
		return fmt.Sprintf("%s, outside of the cluster", s.addresses[0])
	}
}

func (e *explanation) findSource() error {
	if address, err := netip.ParseAddr(e.From); err == nil {
		e.source = source{pod: e.podAt(address), node: e.nodeAt(address), addresses: []netip.Addr{address}}
		if e.source.pod != nil {
			e.source.node = e.node(e.source.pod.Spec.NodeName)
		}
		return nil
	}
	o, ok, err := e.named(e.From)
	if err != nil {
		return err
	}
	if !ok {
		o = object{kind: "pod", namespace: e.Namespace, name: e.From}
	}
	switch o.kind {
	case "pod":
		return e.fromPod(o)
	case "node":
		node := e.node(o.name)
		if node == nil {
			return fmt.Errorf("there is no node %s", o.name)
		}
		e.source = source{node: node, addresses: internalAddresses(node)}
		return nil
	default:
		return fmt.Errorf("%q opens no connections: want pod/NAME, node/NAME or an address", e.From)
	}
}

func (e *explanation) fromPod(o object) error {
	pod, _, err := e.running(o)
	if err != nil {
		return err
	}
	e.source = source{pod: pod, node: e.node(pod.Spec.NodeName), addresses: podAddresses(pod)}
	if pod.Spec.HostNetwork {
		e.source.pod = nil
		e.say("source", "pod %s/%s is on the network of its node", pod.Namespace, pod.Name)
	}
	return nil
}

// running is a pod that has an address.
func (e *explanation) running(o object) (*corev1.Pod, netip.Addr, error) {
	pod := e.pod(o.namespace, o.name)
	if pod == nil {
		return nil, netip.Addr{}, fmt.Errorf("there is no pod %s in namespace %s", o.name, o.namespace)
	}
	if addresses := podAddresses(pod); len(addresses) > 0 && !ended(pod) {
		return pod, addresses[0], nil
	}
	return nil, netip.Addr{}, fmt.Errorf("pod %s/%s has no address: it is %s", o.namespace, o.name, pod.Status.Phase)
}

// end adds a place where it may end, with what happens on the way.
func (e *explanation) end(address netip.AddrPort) {
	pod, node := e.podAt(address.Addr()), e.nodeAt(address.Addr())
	end := End{Address: address, Outcome: Passes, What: "outside of the cluster"}
	switch {
	case pod != nil:
		end.What = fmt.Sprintf("pod %s/%s on node %s", pod.Namespace, pod.Name, pod.Spec.NodeName)
		node = e.node(pod.Spec.NodeName)
	case node != nil:
		end.What = "node " + node.Name
	default:
		end.Outcome = Leaves
	}
	for _, step := range slices.Concat(e.policies(address, pod), e.route(address.Addr(), pod, node)) {
		if step.stops() {
			end.Outcome = Dropped
		}
		end.Steps = append(end.Steps, step)
	}
	e.answer.Ends = append(e.answer.Ends, end)
}

// policies are what NetworkPolicies say on the way out of one pod, and into another.
func (e *explanation) policies(to netip.AddrPort, pod *corev1.Pod) []Step {
	packet := e.packetTo(to)
	if !packet.From.IsValid() {
		return []Step{{"source", fmt.Sprintf("%s has no address of %s, which %s", e.source, ipfamily.Of(to.Addr()), stopping)}}
	}
	var steps []Step
	if e.source.pod != nil {
		steps = append(steps, judged("egress", e.Out(packet)))
	}
	if pod == nil {
		return steps
	}
	from := e.source.node
	if e.source.pod != nil {
		from = nil
	}
	if e.hidden && e.arrival.Name != pod.Spec.NodeName { // what hides it comes after the policies of the same node
		from, packet.From = nil, first(internalAddresses(e.arrival), ipfamily.Of(to.Addr()))
		steps = append(steps, Step{"source", fmt.Sprintf("node %s hides it behind its own address, %s", e.arrival.Name, packet.From)})
	}
	if from != nil && from.Name == pod.Spec.NodeName {
		return append(steps, Step{"ingress", "a node always reaches its own pods"})
	}
	return append(steps, judged("ingress", e.In(packet)))
}

func judged(way string, v policy.Verdict) Step {
	switch {
	case len(v.Isolating) == 0:
		return Step{way, fmt.Sprintf("no NetworkPolicy isolates pod %s for it", v.Pod)}
	case v.Passes():
		return Step{way, "let through by " + v.By}
	case len(v.Isolating) == 1:
		return Step{way, fmt.Sprintf("NetworkPolicy %s isolates pod %s and has no rule for this, which %s", v.Isolating[0], v.Pod, stopping)}
	default:
		return Step{way, fmt.Sprintf("NetworkPolicies %s isolate pod %s and none has a rule for this, which %s", strings.Join(v.Isolating, ", "), v.Pod, stopping)}
	}
}
