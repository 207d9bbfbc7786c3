package identity

import (
	"time"

	"github.com/orrery-dev/orrery/apiserver/pki"
)

// Identity is who a client certificate says its holder is.
type Identity struct {
	// User is the user name.
	User string
	// Groups are the groups besides system:authenticated, which everybody is in.
	Groups []string
}

// The components of a control plane.
var (
	// Admin is the person who runs the control plane: the kubeconfig that we write is theirs.
	Admin = Identity{User: "orrery:admin"}
	// ControllerCache is the cache that the control loops of a process share: it reads what some loop reads through it.
	ControllerCache = Identity{User: "orrery:controller-cache"}
	// Scheduler is the scheduler.
	Scheduler = Identity{User: "orrery:scheduler"}
	// Proxy is the service proxy, and whatever else programs a node's network.
	Proxy = Identity{User: "orrery:proxy"}
	// DNS is the DNS server.
	DNS = Identity{User: "orrery:dns"}
	// Ingress routes requests from outside to Services.
	Ingress = Identity{User: "orrery:ingress"}
	// Storage is what makes volumes by a CSI driver, on each node that runs containers.
	Storage = Identity{User: "orrery:storage"}
	// MetricsServer asks nodes for what they and their pods use.
	MetricsServer = Identity{User: "orrery:metrics-server"}
	// SimulatedNodes is the agent of all simulated nodes. It acts for many of them, so the Node authorizer cannot tell what
	// it needs: it may do for every node what such a node does.
	SimulatedNodes = Identity{User: "orrery:simulated-nodes"}
	// APIServer is the API server itself, as it calls node agents.
	APIServer = Identity{User: pki.KubeletClientUser}
)

// ControllerGroup is the group of all control loops: by it flow schemas, audit policies and admission webhooks tell their
// requests from those of people. No right comes with it.
const ControllerGroup = "orrery:controllers"

// Controller is the control loop called name, as in "deployment-controller". It is a user and no ServiceAccount, as the
// controllers of kube-controller-manager are: who may create pods or tokens in kube-system is none of them by that.
func Controller(name string) Identity {
	return Identity{User: "orrery:controller:" + name, Groups: []string{ControllerGroup}}
}

// Node is the agent of the node called name: the Node authorizer lets it see what its own pods need.
func Node(name string) Identity {
	return Identity{User: "system:node:" + name, Groups: []string{"system:nodes"}}
}

// leaf is the certificate that says so.
func (i Identity) leaf() pki.Leaf { return pki.Leaf{CommonName: i.User, Organization: i.Groups} }

// Sign returns a client certificate for the identity.
func (i Identity) Sign(authority *pki.Authority) (pki.KeyPair, error) {
	return authority.Sign(i.leaf())
}

// SignFor returns a client certificate for the identity that is good for some time.
func (i Identity) SignFor(authority *pki.Authority, validity time.Duration) (pki.KeyPair, error) {
	leaf := i.leaf()
	leaf.Validity = validity
	return authority.Sign(leaf)
}

// Keep returns the paths of a client certificate for the identity and its key, which the store renews.
func (i Identity) Keep(store *pki.Store) (certFile, keyFile string, err error) {
	return store.KeepClient(i.leaf())
}
