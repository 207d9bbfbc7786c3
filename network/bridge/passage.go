package bridge

// Passage is how a packet from one pod to another on the same bridge comes to pass the host's IP layer.
//
// It has to, because services are translated there: the answer to a translated connection would otherwise go straight back over the
// bridge, from an address that the asker has never heard of.
type Passage bool

const (
	// Bridged leaves it to the kernel's br_netfilter, which calls the IP layer's filters for what is bridged. It is
	// used where the host has that turned on, as hosts with other container engines do.
	Bridged Passage = false
	// Routed isolates the bridge's ports from each other, and has the host answer ARP for all pods, which in IPv6 have routes by the host
	// instead: so packets go up to the host and down again. It needs no kernel module, and does not go together with br_netfilter, which would send translated packets from port
	// to port.
	Routed Passage = true
)
