package nodeagent

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/rest"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/eviction"
	"github.com/orrery-dev/orrery/nodeagent/imagegc"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/shutdown"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// Version is the kubelet version that nodes show, unless they are told to say more of it, as with build metadata. It says which
// behaviour clients can count on.
const Version = "v1.37.1"

// Serving is the kubelet's HTTPS API.
type Serving struct {
	// Listener is where it listens; nil means that there is no server, and then no logs, exec and so on.
	Listener net.Listener
	// Certificate is the server's own; without one it makes a self-signed certificate.
	Certificate *tls.Certificate
	// Current is asked for the certificate at each connection, in the place of Certificate: it may be renewed while the server runs. An
	// error, as of one that nobody has signed yet, turns that client away. Nil means that Certificate is all there is.
	Current func() (*tls.Certificate, error)
	// ClientCAs are those by whose certificates clients are known. Without them they are known only by tokens, of which the API server
	// says whose they are. Either way a SubjectAccessReview has to allow what they want.
	ClientCAs *x509.CertPool

	// renewal reads the certificate's files again when they change, until its context ends; nil where there are none.
	renewal func(context.Context) error
}

// Options configure an Agent: one node that runs real containers.
type Options struct {
	// NodeName is the hostname by default.
	NodeName string
	// Config is how to reach the API server; the identity must be the node's (system:node:NAME).
	Config *rest.Config
	// Naming is apis.Kubernetes by default.
	Naming apis.Naming
	// CRIEndpoint is the runtime's socket, such as unix:///run/containerd/containerd.sock. Not used if Runtime is set.
	CRIEndpoint string
	Runtime     cri.Runtime
	// RootDir holds volumes and logs. It must be set, and be the same when the agent starts again.
	RootDir string
	// PodCIDRs are shown as the node's, one for each IP family; pods get their addresses from the runtime. None means that somebody else
	// assigns them.
	PodCIDRs []string
	// NodeIPs are the addresses at which the node is reached, at most one for each IP family; 127.0.0.1 by default. They are in the order
	// of the cluster's families, as those of pods are.
	NodeIPs []string
	// TrustCustomPods runs pods of any level that are custom resources. Without it those beyond the baseline level are refused that are
	// not known to have been judged. It makes no difference under the Kubernetes naming, where the API server judges pods.
	TrustCustomPods bool
	// Protect returns when network policies hold for a pod at its addresses; no container of it starts before. Nil holds none back.
	Protect func(ctx context.Context, pod *corev1.Pod, ips []string) error
	// CgroupRoot is below which pods have their control groups, such as /orrery-up. Empty leaves that to the runtime.
	CgroupRoot string
	// Configuration is how the node is configured; nil means by default. What is not set in it is filled in, and what a node of ours does
	// not obey is an error: see package kubeletconfig. Where the server listens is up to who has made its listener.
	Configuration *kubeletconfigv1beta1.KubeletConfiguration
	// CompleteStaticPod fills in what the manifest of a static pod leaves out, as an API server would, and says why it cannot be one. Nil
	// leaves all as it is written.
	CompleteStaticPod func(pod *corev1.Pod) error
	// Inhibitor is who can hold the machine's shutdown back, where the configuration asks for that; logind if nil.
	Inhibitor func(ctx context.Context) (shutdown.Inhibitor, error)
	// Flags are those of the program by name, which the server tells who may know the configuration. None of them may be a secret.
	Flags map[string]string
	// KubeletVersion is Version by default.
	KubeletVersion string
	// Labels and Annotations are those that the Node has among others.
	Labels, Annotations map[string]string
	// Capacity is the machine's by default, with as many pods as the configuration says, and Reserved what the configuration keeps from
	// pods.
	Capacity, Reserved corev1.ResourceList
	Serving            Serving
	Clock              clock.WithTickerAndDelayedExecution
	Log                logr.Logger

	// What the configuration says of what pods cannot have and how that is enforced, and of how the node is kept from running out.
	allocatable node.ReservedSettings
	eviction    eviction.Settings
	imageGC     imagegc.Settings
	// reserved is what allocatable names.
	reserved node.Reserved
}

func (o *Options) complete() error {
	if o.Config == nil {
		return errors.New("starting a node agent: there is no configuration for the API server")
	}
	if o.RootDir == "" {
		return errors.New("starting a node agent: there is no root directory")
	}
	if o.NodeName == "" {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("reading the hostname: %w", err)
		}
		o.NodeName = name
	}
	o.KubeletVersion = cmp.Or(o.KubeletVersion, Version)
	root, err := filepath.Abs(o.RootDir)
	if err != nil {
		return fmt.Errorf("resolving the root directory %s: %w", o.RootDir, err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("making the root directory: %w", err)
	}
	if o.RootDir, err = filepath.EvalSymlinks(root); err != nil {
		return fmt.Errorf("resolving the root directory %s: %w", root, err)
	}
	if err := o.configure(); err != nil {
		return fmt.Errorf("configuring the node: %w", err)
	}
	if o.Capacity == nil {
		if o.Capacity, err = node.MachineCapacity(o.RootDir); err != nil {
			return err
		}
		o.Capacity[corev1.ResourcePods] = *resource.NewQuantity(mostPods(o.Configuration, o.Capacity.Cpu().Value()), resource.DecimalSI)
	}
	if err := o.reserve(); err != nil {
		return err
	}
	if len(o.NodeIPs) == 0 {
		o.NodeIPs = []string{""}
	}
	defaults(&o.Naming, &o.NodeIPs[0], &o.Clock)
	return nil
}

func defaults(naming *apis.Naming, ip *string, timer *clock.WithTickerAndDelayedExecution) {
	if *naming == "" {
		*naming = apis.Kubernetes
	}
	if *ip == "" {
		*ip = "127.0.0.1"
	}
	if *timer == nil {
		*timer = clock.RealClock{}
	}
}

// FleetOptions configure a Fleet: simulated nodes.
type FleetOptions struct {
	// Nodes is how many; 1 by default.
	Nodes int
	// NamePrefix makes the names: PREFIX0, PREFIX1 and so on. It is "node-" by default.
	NamePrefix string
	// Config is how to reach the API server; the identity must be allowed to act for every node of the fleet.
	Config *rest.Config
	Naming apis.Naming
	// ClusterCIDR is cut into one network of 256 addresses for each node; 10.128.0.0/9 by default.
	ClusterCIDR netip.Prefix
	// NodeIP is the address of every node: the fleet's one server listens there. 127.0.0.1 by default.
	NodeIP string
	// KubeletVersion is Version by default.
	KubeletVersion string
	Labels         map[string]string
	Taints         []corev1.Taint
	// OwnTaints are the keys of taints that nodes which are there already have exactly if they are among Taints.
	OwnTaints []string
	// Capacity is node.SimulatedCapacity by default; nothing is reserved.
	Capacity corev1.ResourceList
	Stages   simulated.Stages
	Serving  Serving
	Clock    clock.WithTickerAndDelayedExecution
	// Activity is told of what the nodes have due and under way; nil tells nobody.
	Activity *activity.Tracker
	Log      logr.Logger
}

func (o *FleetOptions) complete() error {
	if o.Config == nil {
		return errors.New("starting simulated nodes: there is no configuration for the API server")
	}
	if o.Nodes == 0 {
		o.Nodes = 1
	}
	o.KubeletVersion = cmp.Or(o.KubeletVersion, Version)
	if o.NamePrefix == "" {
		o.NamePrefix = "node-"
	}
	if !o.ClusterCIDR.IsValid() {
		o.ClusterCIDR = netip.MustParsePrefix("10.128.0.0/9")
	}
	if o.Capacity == nil {
		o.Capacity = node.SimulatedCapacity()
	}
	defaults(&o.Naming, &o.NodeIP, &o.Clock)
	return nil
}

// port is where a server listens; 0 if there is none.
func port(listener net.Listener) int32 {
	if listener == nil {
		return 0
	}
	if address, ok := listener.Addr().(*net.TCPAddr); ok {
		return int32(address.Port)
	}
	return 0
}
