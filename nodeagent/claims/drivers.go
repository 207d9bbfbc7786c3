package claims

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
	drav1beta1 "k8s.io/kubelet/pkg/apis/dra/v1beta1"

	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

// The kubelet's figures: how long a driver has for a call, and to come back before what it has published is removed.
const (
	callTimeout = 45 * time.Second
	wipingDelay = 30 * time.Second
)

// driver is one that is registered.
type driver struct {
	endpoint   string
	client     drav1.DRAPluginClient
	connection *grpc.ClientConn
}

// services are those that drivers may offer, in the order in which they are preferred.
var services = []string{drav1.DRAPluginService, drav1beta1.DRAPluginService}

// handler registers drivers that package plugins finds.
type handler struct{ *Manager }

// Handler takes plugins of type DRAPlugin into use.
func (m *Manager) Handler() plugins.Handler { return handler{m} }

// Register implements plugins.Handler. Of several plugins of one driver the last one is asked.
func (h handler) Register(_ context.Context, p plugins.Plugin) error {
	service, err := choose(p.Versions)
	if err != nil {
		return fmt.Errorf("invalid supported gRPC versions of DRA driver plugin %s at endpoint %s: %w", p.Name, p.Endpoint, err)
	}
	connection, err := plugins.Dial(p.Endpoint)
	if err != nil {
		return err
	}
	d := &driver{endpoint: p.Endpoint, client: drav1.NewDRAPluginClient(connection), connection: connection}
	if service == drav1beta1.DRAPluginService {
		d.client = drav1beta1.V1Beta1ClientWrapper{DRAPluginClient: drav1beta1.NewDRAPluginClient(connection)}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drivers[p.Name] = append(h.drivers[p.Name], d)
	if wipe := h.wipes[p.Name]; wipe != nil {
		wipe.Stop()
	}
	return nil
}

// choose is the first service of a driver that is known.
func choose(offered []string) (string, error) {
	if len(offered) == 0 {
		return "", errors.New("empty list of supported gRPC services (aka supported versions)")
	}
	for _, service := range offered {
		if slices.Contains(services, service) {
			return service, nil
		}
	}
	return "", fmt.Errorf("none of services supported by the plugin (%q) are supported by the kubelet (%q)", offered, services)
}

// Deregister implements plugins.Handler.
func (h handler) Deregister(_ context.Context, p plugins.Plugin) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var err error
	h.drivers[p.Name] = slices.DeleteFunc(h.drivers[p.Name], func(d *driver) bool {
		if d.endpoint != p.Endpoint {
			return false
		}
		err = errors.Join(err, d.connection.Close())
		return true
	})
	if len(h.drivers[p.Name]) == 0 {
		h.wipes[p.Name] = h.Clock.AfterFunc(wipingDelay, func() { h.wipe(p.Name) })
	}
	return err
}

// wipe has what a driver has published removed, unless it is back.
func (m *Manager) wipe(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.drivers[name]) == 0 && len(m.wiped) < cap(m.wiped) {
		m.wiped <- name
	}
}

// driver is the one of that name.
func (m *Manager) driver(name string) (*driver, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	registered := m.drivers[name]
	if len(registered) == 0 {
		return nil, fmt.Errorf("DRA driver %s is not registered", name)
	}
	return registered[len(registered)-1], nil
}

// prepare has the driver prepare claims, and returns the devices of each by its UID.
func (d *driver) prepare(ctx context.Context, claims []*drav1.Claim) (map[string][]Device, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	response, err := d.client.NodePrepareResources(ctx, &drav1.NodePrepareResourcesRequest{Claims: claims})
	if err != nil {
		return nil, fmt.Errorf("NodePrepareResources: %w", err)
	}
	prepared := map[string][]Device{}
	for _, claim := range claims {
		answer, answered := response.GetClaims()[claim.GetUid()]
		switch {
		case !answered:
			return nil, fmt.Errorf("NodePrepareResources skipped %d ResourceClaims", len(claims)-len(response.GetClaims()))
		case answer.GetError() != "":
			return nil, fmt.Errorf("NodePrepareResources failed for ResourceClaim %s: %s", claim.GetName(), answer.GetError())
		}
		for _, d := range answer.GetDevices() {
			prepared[claim.GetUid()] = append(prepared[claim.GetUid()], Device{
				Pool: d.GetPoolName(), Name: d.GetDeviceName(), Share: d.ShareId, Requests: d.GetRequestNames(), CDI: d.GetCdiDeviceIds(),
			})
		}
	}
	return prepared, nil
}

// unprepare has the driver undo that.
func (d *driver) unprepare(ctx context.Context, claims []*drav1.Claim) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	response, err := d.client.NodeUnprepareResources(ctx, &drav1.NodeUnprepareResourcesRequest{Claims: claims})
	if err != nil {
		return fmt.Errorf("NodeUnprepareResources: %w", err)
	}
	for _, claim := range claims {
		answer, answered := response.GetClaims()[claim.GetUid()]
		switch {
		case !answered:
			return fmt.Errorf("NodeUnprepareResources skipped %d ResourceClaims", len(claims)-len(response.GetClaims()))
		case answer.GetError() != "":
			return fmt.Errorf("NodeUnprepareResources failed for ResourceClaim %s: %s", claim.GetName(), answer.GetError())
		}
	}
	return nil
}
