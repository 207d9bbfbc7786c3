package csi

import (
	"context"
	"fmt"
	"sync"
	"time"

	csipb "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

// Timeout is how long a driver has for one call; the kubelet's figure.
const Timeout = 2 * time.Minute

// Driver is a CSI driver that is registered. It is safe for concurrent use.
type Driver struct {
	name, endpoint string
	version        *version.Version
	connection     *grpc.ClientConn
	node           csipb.NodeClient

	mu           sync.Mutex
	capabilities map[csipb.NodeServiceCapability_RPC_Type]bool // nil until it was asked
}

// connect returns the driver at an endpoint. Nothing is asked yet.
func connect(name, endpoint string, version *version.Version) (*Driver, error) {
	connection, err := plugins.Dial(endpoint)
	if err != nil {
		return nil, err
	}
	return &Driver{name: name, endpoint: endpoint, version: version, connection: connection, node: csipb.NewNodeClient(connection)}, nil
}

// Name is the driver's.
func (d *Driver) Name() string { return d.name }

// close ends the connection, and the calls that are under way on it.
func (d *Driver) close() { _ = d.connection.Close() } // it can only be closed already

// Info is what a driver says of the node that it is on.
type Info struct {
	// NodeID is what the driver calls the node.
	NodeID string
	// MaxVolumes is how many of its volumes the node can have; 0 sets no limit.
	MaxVolumes int64
	// Topology is where the node is.
	Topology map[string]string
}

// Info asks on which node it is.
func (d *Driver) Info(ctx context.Context) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	answer, err := d.node.NodeGetInfo(ctx, &csipb.NodeGetInfoRequest{})
	if err != nil {
		return Info{}, err
	}
	info := Info{NodeID: answer.GetNodeId(), MaxVolumes: answer.GetMaxVolumesPerNode(), Topology: answer.GetAccessibleTopology().GetSegments()}
	if info.NodeID == "" {
		return Info{}, fmt.Errorf("error adding CSI driver node info: driverNodeID must not be empty")
	}
	return info, nil
}

// Stages says whether volumes are staged before they are published.
func (d *Driver) Stages(ctx context.Context) (bool, error) {
	return d.can(ctx, csipb.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME)
}

// MountsForGroups says whether the driver itself gives volumes to a group (VOLUME_MOUNT_GROUP).
func (d *Driver) MountsForGroups(ctx context.Context) (bool, error) {
	return d.can(ctx, csipb.NodeServiceCapability_RPC_VOLUME_MOUNT_GROUP)
}

// Expands says whether volumes that have grown are to be expanded on the node.
func (d *Driver) Expands(ctx context.Context) (bool, error) {
	return d.can(ctx, csipb.NodeServiceCapability_RPC_EXPAND_VOLUME)
}

// Measures says whether the driver tells how full a volume is.
func (d *Driver) Measures(ctx context.Context) (bool, error) {
	return d.can(ctx, csipb.NodeServiceCapability_RPC_GET_VOLUME_STATS)
}

// can says whether the driver has a capability. It is asked for all of them, until it has answered once.
func (d *Driver) can(ctx context.Context, capability csipb.NodeServiceCapability_RPC_Type) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.capabilities == nil {
		ctx, cancel := context.WithTimeout(ctx, Timeout)
		defer cancel()
		answer, err := d.node.NodeGetCapabilities(ctx, &csipb.NodeGetCapabilitiesRequest{})
		if err != nil {
			return false, err
		}
		d.capabilities = map[csipb.NodeServiceCapability_RPC_Type]bool{}
		for _, each := range answer.GetCapabilities() {
			d.capabilities[each.GetRpc().GetType()] = true
		}
	}
	return d.capabilities[capability], nil
}
