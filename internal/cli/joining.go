package cli

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
	"k8s.io/client-go/kubernetes"
)

// Other machines can become nodes of a control plane that they reach (--bind-address). What they need of it is here; how they
// do it is package nodebootstrap.

// joiningLoops are those without which nobody can join, which run only where they are named.
var joiningLoops = []string{"bootstrap-signer-controller", "token-cleaner-controller"}

// letNodesJoin publishes how the cluster is reached, and what its nodes have to know, where other machines reach it.
func (p *controlPlane) letNodesJoin(ctx context.Context, server *apiserver.Server) error {
	if !p.address.IsValid() || p.options.joined { // a member that has joined others leaves it as those have it
		return nil
	}
	config, err := server.Config(identity.Admin)
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	info := clusterinfo.Info{Server: "https://" + net.JoinHostPort(p.address.String(), strconv.Itoa(p.port())), CA: server.CA()}
	addresses := p.settings.Addresses
	return clusterinfo.Publish(ctx, api, info, clusterinfo.NodeConfig{
		Networking: clusterinfo.Networking{
			PodSubnet: addresses.Pods, ServiceSubnet: addresses.Services, DNSDomain: p.settings.Domain,
			PodSubnetIPv6: addresses.PodsIPv6, ServiceSubnetIPv6: addresses.ServicesIPv6,
		},
		ClusterDNS: p.clusterDNS,
	})
}
