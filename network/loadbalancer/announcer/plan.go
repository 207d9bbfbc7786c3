package announcer

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/orrery-dev/orrery/framework/engine"
)

// lookAgain is how often the machine's links are looked at: they tell nobody when they change.
const lookAgain = 5 * time.Second

// Options say for whom addresses are announced.
type Options struct {
	// NodeName is the Node that this machine is.
	NodeName string
}

// World is all that a plan depends on.
type World struct {
	Options
	Services []*corev1.Service
	Slices   []*discoveryv1.EndpointSlice
	Nodes    []*corev1.Node
	// Links are those of this machine that are up and speak Ethernet.
	Links []Link
	// Present is what this machine answers for.
	Present []Announcement
}

// Link is a network device with its addresses.
type Link struct {
	Name      string
	Addresses []netip.Prefix
}

// Announcement is an address that is answered for on a link.
type Announcement struct {
	Address netip.Addr
	Link    string
}

func (a Announcement) String() string { return fmt.Sprintf("%s on %s", a.Address, a.Link) }

// Plan has this machine answer for the addresses that it is elected for, and for no others.
func Plan(w World) *engine.Plan[answers] {
	p := &engine.Plan[answers]{}
	wanted := wanted(w)
	for _, present := range w.Present {
		if !slices.ContainsFunc(wanted, func(r reasoned) bool { return r.Announcement == present }) {
			p.Do(&fallSilent{present})
		}
	}
	for _, r := range wanted {
		if !slices.Contains(w.Present, r.Announcement) {
			p.Do(&announce{r})
		}
	}
	p.Because("this machine answers for the addresses that it is elected for")
	p.After(lookAgain, "links may have come or gone")
	return p
}

// reasoned is an announcement with the sentence that says why.
type reasoned struct {
	Announcement
	why string
}

// wanted are the addresses that this machine is elected for.
func wanted(w World) []reasoned {
	var all []reasoned
	for address, services := range balanced(w.Services) {
		link, network, found := onLink(w.Links, address)
		if !found || isSomebodys(w, address) {
			continue
		}
		if nodes := candidates(w, services, network); len(nodes) > 0 && elect(address, nodes) == w.NodeName {
			all = append(all, reasoned{Announcement{address, link}, fmt.Sprintf("Service %s/%s has it, and this is the node elected of %d",
				services[0].Namespace, services[0].Name, len(nodes))})
		}
	}
	slices.SortFunc(all, func(a, b reasoned) int { return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Link, b.Link)) })
	return all
}

// onLink finds the link in whose network an address is, and that network.
func onLink(links []Link, address netip.Addr) (name string, network netip.Prefix, found bool) {
	for _, link := range links {
		for _, own := range link.Addresses {
			if own.Contains(address) {
				return link.Name, own.Masked(), true
			}
		}
	}
	return "", netip.Prefix{}, false
}

// isSomebodys says whether a machine has the address itself: it answers then, and nobody else must.
func isSomebodys(w World, address netip.Addr) bool {
	here := slices.ContainsFunc(w.Links, func(l Link) bool {
		return slices.ContainsFunc(l.Addresses, func(own netip.Prefix) bool { return own.Addr() == address })
	})
	return here || slices.ContainsFunc(w.Nodes, func(n *corev1.Node) bool {
		return slices.ContainsFunc(n.Status.Addresses, func(a corev1.NodeAddress) bool { return a.Address == address.String() })
	})
}
