package cli

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/nodebootstrap"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/bridge"
	"github.com/orrery-dev/orrery/network/policy"
	"github.com/orrery-dev/orrery/network/servers"
	"github.com/orrery-dev/orrery/nodeagent"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// joined is a machine that is registered as a node of a cluster of ours. The cluster gives it the range of its pods.
type joined struct {
	*machine
	registration registration.Registration
	// rotation keeps its certificates good; nil where the control plane on this machine does.
	rotation *nodebootstrap.Rotation
	// balancer leads the node to all API servers of the cluster; nil where the control plane is on this machine.
	balancer *servers.Balancer
}

// newJoined makes the components of a registered node, and says where its API server is.
func newJoined(ctx context.Context, inst *instance.Instance, r registration.Registration, o runtimeOptions) ([]plane.Component, string, error) {
	if o.endpoint != "" {
		return nil, "", fmt.Errorf("the runtime at %s: node %s has a container runtime of its own: leave out --runtime-endpoint and containerRuntimeEndpoint", o.endpoint, r.NodeName)
	}
	config, err := r.Node()
	if err != nil {
		return nil, "", err
	}
	m := &machine{
		inst: inst, policies: policy.NewGate(), node: o.node, flags: o.flags, overlay: bool(o.overlay), nodePorts: o.nodePorts, name: r.NodeName, address: r.Address, clusterDNS: r.ClusterDNS,
		sharedDisk: o.sharedDisk,
	}
	if m.runtime, err = newRuntime(inst, o.bin); err != nil {
		return nil, "", err
	}
	m.endpoint = m.runtime.Endpoint()
	if m.settings, err = inst.Settle(); err != nil {
		return nil, "", err
	}
	m.settings.Domain = r.ClusterDomain
	j := &joined{machine: m, registration: r}
	if r.Rotates {
		if j.balancer, j.registration, err = balancerOf(ctx, inst, j.registration); err != nil {
			return nil, "", err
		}
		if j.rotation, err = nodebootstrap.NewRotation(registrationDir(inst), j.registration, time.Now()); err != nil {
			return nil, "", err
		}
	}
	m.cluster = j.clusterOf
	return j.components(), config.Host, nil
}

// components are those of the node. Its network needs the node: the range of pods is given to Nodes that are there.
func (j *joined) components() []plane.Component {
	components := []plane.Component{
		{Name: runtimeComponent, Run: j.runRuntime, Look: j.lookAtRuntime},
		{Name: nodeComponent, Needs: []string{runtimeComponent}, Run: j.runNode},
		{Name: networkComponent, Needs: []string{nodeComponent}, Run: j.runNetwork},
		{Name: proxyComponent, Needs: []string{networkComponent}, Run: j.runProxy},
		{Name: routesComponent, Needs: []string{networkComponent}, Run: j.runRoutes},
	}
	if len(j.clusterDNS) > 0 {
		components = append(components, plane.Component{Name: dnsComponent, Needs: []string{networkComponent}, Run: j.runDNS, Look: lookAtDNS})
	}
	if j.registration.Storage {
		components[1].Needs = append(components[1].Needs, storageComponent)
		components = append([]plane.Component{{Name: storageComponent, Run: j.runStorage}}, components...)
	}
	if j.balancer != nil {
		components = j.behindBalancer(components)
	}
	if j.rotation != nil {
		components = append(components, plane.Component{Name: certificatesComponent, Needs: []string{nodeComponent}, Run: j.runCertificates})
	}
	return components
}

// behindBalancer are components that need the balancer of API servers, and that before them.
func (j *joined) behindBalancer(components []plane.Component) []plane.Component {
	for i := range components {
		components[i].Needs = append([]string{serversComponent}, components[i].Needs...)
	}
	return append([]plane.Component{{Name: serversComponent, Vital: true, Run: j.runServers, Look: j.lookAtServers}}, components...)
}

// runCertificates keeps the node's certificates good. That of its server is for addresses of its Node, which has to be there.
func (j *joined) runCertificates(ctx context.Context, ready func(string)) error {
	return j.rotation.Run(ctx, func(until time.Time) {
		ready("the server's is good until " + until.Local().Format(time.DateTime) + ", and renewed before")
	})
}

// serving is how the agent's server shows itself.
func (j *joined) serving() (nodeagent.Serving, error) {
	if j.rotation == nil {
		certificate, authority, err := j.registration.Serving()
		return nodeagent.Serving{Certificate: certificate, ClientCAs: authority}, err
	}
	authority, err := j.registration.Authority()
	return nodeagent.Serving{Current: j.rotation.Serving, ClientCAs: authority}, err
}

// clusterOf is the cluster as one of those knows it whom the registration has credentials for.
func (j *joined) clusterOf(who identity.Identity) (wiring.Cluster, error) {
	access := j.registration.Node
	switch who.User {
	case identity.Proxy.User:
		access = j.registration.Proxy
	case identity.DNS.User:
		access = j.registration.DNS
	case identity.Storage.User:
		access = j.registration.MakesVolumes
	}
	config, err := access()
	return wiring.Cluster{Config: config, Naming: apis.Kubernetes, Own: true, Log: logger()}, err
}

func (j *joined) runNode(ctx context.Context, ready func(string)) error {
	serving, err := j.serving()
	if err != nil {
		return err
	}
	if serving.Listener, err = j.listen(ctx, j.registration.Address); err != nil {
		return err
	}
	return j.runAgent(ctx, ready, nodeagent.Options{
		NodeIPs: texts(j.nodeAddresses()), Serving: serving, Annotations: replacedWith(!j.registration.Rotates),
	})
}

// runNetwork brings up the network of the pods, once the cluster has said which addresses they have.
func (j *joined) runNetwork(ctx context.Context, ready func(string)) error {
	config, err := j.registration.Node()
	if err != nil {
		return err
	}
	pods, err := awaitPodCIDRs(ctx, config, j.registration.NodeName)
	if err != nil {
		return err
	}
	j.network, err = bridge.New(bridge.Options{
		Name: j.inst.ID(), PodCIDRs: pods, ClusterCIDRs: j.settings.Addresses.PodCIDRs(), ServiceCIDRs: j.settings.Addresses.ServiceCIDRs(),
		BalancerCIDRs: balancerRanges(j.settings.Addresses), Dir: networkDir(j.inst),
	})
	if err != nil {
		return err
	}
	if err := j.network.Up(ctx); err != nil {
		return err
	}
	ready(fmt.Sprintf("%s, pods in %s", j.network.Interface(), commaed(pods)))
	<-ctx.Done()
	return nil
}

// podCIDRPause is how often it is asked whether a Node has got its ranges of pods.
const podCIDRPause = 200 * time.Millisecond

// awaitPodCIDRs waits until a Node has its ranges of pods. That the API server does not answer meanwhile is no error.
func awaitPodCIDRs(ctx context.Context, config *rest.Config, node string) (pods []netip.Prefix, err error) {
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	err = wait.PollUntilContextCancel(ctx, podCIDRPause, true, func(ctx context.Context) (bool, error) {
		found, err := api.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
		if err != nil || len(found.Spec.PodCIDRs) == 0 {
			return false, nil //nolint:nilerr // it may answer later
		}
		pods, err = ranges("podCIDRs", strings.Join(found.Spec.PodCIDRs, ","))
		return true, err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for the ranges of pods of Node %s: %w", node, err)
	}
	return pods, nil
}
