package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/pki"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/memberjoin"
	"github.com/orrery-dev/orrery/internal/cli/nodeconfig"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/durable"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/bridge"
	"github.com/orrery-dev/orrery/network/policy"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
)

// The names of the components, as status shows them.
const (
	networkComponent     = "network"
	runtimeComponent     = "runtime"
	apiserverComponent   = "apiserver"
	controllersComponent = "controllers"
	schedulerComponent   = "scheduler"
	nodeComponent        = "node"
	simulatedComponent   = "simulated-nodes"
	proxyComponent       = "proxy"
	routesComponent      = "routes"
	dnsComponent         = "dns"
	storageComponent     = "storage"
	snapshotsComponent   = "snapshots"
	ingressComponent     = "ingress"
	etcdComponent        = "etcd"
	membersComponent     = "members"
	serversComponent     = "servers"

	simulatedStorageComponent = "simulated-storage"

	certificatesComponent  = "certificates"
	metricsServerComponent = "metrics-server"
)

// machine is what the components on one machine share while they run.
type machine struct {
	inst     *instance.Instance
	settings instance.Settings

	// network and runtime are nil where no containers run; runtime alone is, where somebody else's is used.
	network  *bridge.Network
	runtime  *containerd.Runtime
	endpoint string // of the runtime
	// policies is where the node agent waits for what keeps packets from its pods.
	policies *policy.Gate
	// node is how the node is configured, and flags are those of the command that it tells; none where nothing runs containers.
	node  nodeconfig.Node
	flags map[string]string
	// overlay: pods on nodes of other links are reached through VXLAN.
	overlay bool
	// nodePorts are the addresses on which node ports are served.
	nodePorts nodePortAddresses
	// trustCustomPods: pods of any level are run that are custom resources of somebody else's cluster.
	trustCustomPods bool
	// name is the node's; empty means as the machine is called.
	name string
	// address is the node's, where other machines reach it; not valid means that of the bridge, where only this machine does.
	address netip.Addr
	// sharedDisk: people keep other things on the machine's disk.
	sharedDisk bool
	// storage says that volumes are made on this machine.
	storage bool
	// clusterDNS are the addresses that pods ask for names, which the node needs somebody to answer at; none means the machine's own.
	clusterDNS []string

	// cluster is the cluster as a component of an identity knows it.
	cluster func(identity.Identity) (wiring.Cluster, error)
	// server is the API server, while it runs in this process; nil where it is somebody else's.
	server *apiserver.Server
}

// newMachine prepares what the components share. Nothing runs yet.
func newMachine(ctx context.Context, inst *instance.Instance, o runtimeOptions) (*machine, error) {
	m := &machine{inst: inst, endpoint: o.endpoint, policies: policy.NewGate(), node: o.node, flags: o.flags, overlay: bool(o.overlay), nodePorts: o.nodePorts, sharedDisk: o.sharedDisk}
	var err error
	switch {
	case o.runtime == simulatedRuntime:
	case o.endpoint != "":
		err = answers(ctx, o.endpoint)
	default:
		if m.runtime, err = newRuntime(inst, o.bin); err == nil {
			m.endpoint = m.runtime.Endpoint()
		}
	}
	if err != nil {
		return nil, err
	}
	if m.settings, err = inst.Settle(); err != nil {
		return nil, err
	}
	if o.runtime != simulatedRuntime {
		m.network, err = newNetwork(inst, m.settings)
	}
	return m, err
}

// hostComponents are those that run containers; none, where all is simulated. Those that use the API server need it.
func (m *machine) hostComponents(apiserver ...string) []plane.Component {
	if m.network == nil {
		return nil
	}
	components := []plane.Component{{Name: networkComponent, Run: m.runNetwork}}
	needs := append([]string{networkComponent}, apiserver...)
	node := plane.Component{Name: nodeComponent, Needs: needs, Run: m.runNode}
	if len(m.clusterDNS) > 0 {
		node.Needs = append(slices.Clone(needs), dnsComponent) // the first pod may ask at once
	}
	if m.storage { // pods that end need it to the last
		components = append(components, plane.Component{Name: storageComponent, Needs: apiserver, Run: m.runStorage})
		node.Needs = append([]string{storageComponent}, node.Needs...)
	}
	if m.runtime != nil {
		components = append(components, plane.Component{Name: runtimeComponent, Needs: []string{networkComponent}, Run: m.runRuntime, Look: m.lookAtRuntime})
		node.Needs = append([]string{runtimeComponent}, node.Needs...)
	}
	return append(components, node, plane.Component{Name: proxyComponent, Needs: needs, Run: m.runProxy})
}

// controlPlane is a machine with an API server of its own.
type controlPlane struct {
	*machine
	exposure
	options  upOptions
	listener net.Listener
	// unserved are what its API server warns of. Where other parts are run beside it, nobody knows.
	unserved map[schema.GroupResource]string
	// metrics is nil where nobody is to answer for metrics.k8s.io.
	metrics *metricsAPI
	// member is as whom it is one of several, or the first that others join; nil where nobody can.
	member     *instance.Member
	membership *membership
}

// newControlPlane makes the components of a control plane, and says where its API server will be.
func newControlPlane(ctx context.Context, inst *instance.Instance, o upOptions) ([]plane.Component, string, error) {
	p, err := prepareControlPlane(ctx, inst, o)
	if err != nil {
		return nil, "", err
	}
	if err := p.settleMember(ctx); err != nil {
		return nil, "", errors.Join(err, p.listener.Close())
	}
	p.unserved = unservedWarnings(o.controllers, o.ingress)
	p.clusterDNS, p.storage = p.dnsAddress(), bool(o.storage)
	p.metrics = newMetrics(o.metricsOptions)
	server := plane.Component{Name: apiserverComponent, Vital: true, Run: p.runAPIServer}
	host := p.hostComponents(apiserverComponent)
	if p.network != nil {
		server.Needs = []string{networkComponent} // pods reach the API server at the bridge's address
		host = append(host[:1:1], append([]plane.Component{server, p.dnsComponent()}, host[1:]...)...)
		host = append(host, plane.Component{Name: routesComponent, Needs: []string{networkComponent, apiserverComponent}, Run: p.runRoutes})
	} else {
		host = []plane.Component{server}
		if !o.joined { // the names are the business of machines that run pods
			host = append(host, p.dnsComponent())
		}
	}
	further, err := p.furtherComponents()
	if err != nil {
		return nil, "", errors.Join(err, p.listener.Close())
	}
	components := append(host,
		plane.Component{Name: controllersComponent, Needs: []string{apiserverComponent}, Run: p.runControllers},
		plane.Component{Name: schedulerComponent, Needs: []string{apiserverComponent}, Run: p.runScheduler})
	components = append(append(components, p.metricsComponents()...), further...)
	components = append(components, p.ingressComponents()...)
	components = append(components, p.etcdComponents()...)
	components = append(components, p.memberComponents()...)
	components = append(components, p.snapshotComponents()...)
	if o.nodes > 0 {
		components = append(components,
			plane.Component{Name: simulatedComponent, Needs: []string{apiserverComponent}, Run: p.runSimulatedNodes})
	}
	if o.nodes > 0 && p.storage {
		components = append(components,
			plane.Component{Name: simulatedStorageComponent, Needs: []string{apiserverComponent}, Run: p.runSimulatedStorage})
	}
	return components, p.url(), nil
}

// newBareControlPlane is a control plane in which nothing happens by itself: only the API server.
func newBareControlPlane(ctx context.Context, inst *instance.Instance, o upOptions) ([]plane.Component, string, error) {
	p, err := prepareControlPlane(ctx, inst, o)
	if err != nil {
		return nil, "", err
	}
	return []plane.Component{{Name: apiserverComponent, Vital: true, Run: p.runAPIServer}}, p.url(), nil
}

func prepareControlPlane(ctx context.Context, inst *instance.Instance, o upOptions) (*controlPlane, error) {
	if err := restoreInterrupted(inst); err != nil {
		return nil, err
	}
	if err := inst.SettleAddresses(o.addresses.chosen); err != nil {
		return nil, err
	}
	m, err := newMachine(ctx, inst, o.runtimeOptions)
	if err != nil {
		return nil, err
	}
	if m.settings, err = inst.SettleDomain(m.settings, o.domain); err != nil {
		return nil, err
	}
	p := &controlPlane{machine: m, options: o}
	p.cluster = p.own
	if p.listener, err = inst.Listen(ctx, o.first(), o.port); err != nil {
		return nil, err
	}
	if err := p.listenToOthers(ctx); err != nil {
		return nil, errors.Join(err, p.listener.Close())
	}
	p.address = p.options.outside()
	return p, nil
}

// url is where the server is, for who is on this machine.
func (p *controlPlane) url() string {
	return "https://" + net.JoinHostPort(localhost.String(), strconv.Itoa(p.port()))
}

func (p *controlPlane) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// gateway is the address under which this machine's pods reach it; none, where there are none.
func (p *controlPlane) gateway() netip.Addr {
	if p.network == nil {
		return netip.Addr{}
	}
	return p.network.Gateway()
}

// serverDir is the data directory of an instance's API server.
func serverDir(inst *instance.Instance) string { return inst.Path(serverName) }

func (p *controlPlane) runAPIServer(ctx context.Context, ready func(string)) error {
	options := apiserver.Options{
		DataDir:       serverDir(p.inst),
		Listener:      p.listener,
		ServiceCIDR:   commaed(p.settings.Addresses.ServiceCIDRs()),
		ClusterDomain: p.settings.Domain,
		TwoNames:      true,
		Unserved:      p.unserved,
		NodesJoin:     p.address.IsValid(),
		Etcd:          p.options.etcd.external(),
		EtcdQuota:     p.options.etcd.quota,
		Peering:       peeringOptions(p.member, p.options.members.forceNew),
		Flags:         p.options.serverArgs,
		Logger:        logger(),
	}
	if err := p.expose(ctx, &options); err != nil {
		return err
	}
	if err := p.metrics.serve(&options); err != nil {
		return err
	}
	if p.member != nil {
		options.Handlers = map[string]http.Handler{memberjoin.Path: p.membership}
	}
	p.options.storingOptions.apply(&options, p.inst)
	server, err := apiserver.Start(ctx, options)
	if err != nil {
		return err
	}
	if err := server.WaitReady(ctx); err != nil {
		_ = server.Stop() // why it is not ready says more
		return err
	}
	if err := p.writeKubeconfig(server); err != nil {
		return err
	}
	if err := p.makeFirstClass(ctx, server); err != nil {
		_ = server.Stop() // why it is not used says more
		return err
	}
	if err := p.letNodesJoin(ctx, server); err != nil {
		_ = server.Stop() // why it is not used says more
		return err
	}
	if err := p.removeSurplusNodes(ctx, server); err != nil {
		_ = server.Stop() // why it is not used says more
		return err
	}
	p.server = server
	go p.renewKubeconfig(ctx, server)
	ready(server.URL())
	<-server.Ended()
	return server.Err()
}

// kubeconfigCheck is how often it is looked whether the kubeconfig ends soon.
const kubeconfigCheck = 12 * time.Hour

// renewKubeconfig writes the kubeconfig anew before the certificate in it ends, until ctx does.
func (p *controlPlane) renewKubeconfig(ctx context.Context, server *apiserver.Server) {
	wait.UntilWithContext(ctx, func(context.Context) {
		certificate, err := administratorsCertificate(p.inst)
		if err == nil && certificate != nil && time.Now().Before(pki.Held{Certificate: certificate}.Renewal()) {
			return
		}
		if err := p.writeKubeconfig(server); err != nil {
			logger().Error(err, "The kubeconfig is not renewed")
		}
	}, kubeconfigCheck)
}

func (p *controlPlane) writeKubeconfig(server *apiserver.Server) error {
	kubeconfig, err := server.Kubeconfig(identity.Admin, p.inst.Name)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(p.inst.Kubeconfig(), kubeconfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// own is the cluster of our API server, as a component knows it.
func (p *controlPlane) own(who identity.Identity) (wiring.Cluster, error) {
	return wiring.Own(p.server, who, logger())
}

// external is the etcd that the options name; nil means the embedded one.
func (o etcdOptions) external() *apiserver.ExternalEtcd {
	if len(o.servers) == 0 {
		return nil
	}
	return &apiserver.ExternalEtcd{Endpoints: o.servers, Prefix: o.prefix, CAFile: o.caFile, CertFile: o.certFile, KeyFile: o.keyFile}
}
