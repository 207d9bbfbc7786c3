package devices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"

	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

// optionsTimeout is how long a plugin has to say what it can do when it registers.
const optionsTimeout = 10 * time.Second

// plugin is one that is connected.
type plugin struct {
	socket  string
	options *pluginapi.DevicePluginOptions
	client  pluginapi.DevicePluginClient
	// callOff ends what is heard from it.
	callOff context.CancelFunc
}

// handler registers plugins that package plugins finds.
type handler struct{ *Manager }

// Handler takes plugins of type DevicePlugin into use, which are found by their sockets.
func (m *Manager) Handler() plugins.Handler { return handler{m} }

// Register implements plugins.Handler. The plugin's name is that of its resource.
func (h handler) Register(ctx context.Context, p plugins.Plugin) error {
	if !slices.Contains(p.Versions, pluginapi.Version) {
		return fmt.Errorf("manager version, %s, is not among plugin supported versions %v", pluginapi.Version, p.Versions)
	}
	if err := checkName(p.Name); err != nil {
		return fmt.Errorf("invalid name of device plugin socket: %w", err)
	}
	return h.connect(ctx, p.Name, p.Endpoint)
}

// Deregister implements plugins.Handler.
func (h handler) Deregister(_ context.Context, p plugins.Plugin) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o := h.offers[p.Name]; o != nil {
		h.disconnect(o, p.Endpoint)
	}
	return nil
}

// connect takes a plugin into use. One that was connected by the same socket before is gone.
func (m *Manager) connect(ctx context.Context, resource, socket string) error {
	connection, err := plugins.Dial(socket)
	if err != nil {
		return err
	}
	p := &plugin{socket: socket, client: pluginapi.NewDevicePluginClient(connection)}
	asked, cancel := context.WithTimeout(ctx, optionsTimeout)
	defer cancel()
	if p.options, err = p.client.GetDevicePluginOptions(asked, &pluginapi.Empty{}); err != nil {
		return errors.Join(fmt.Errorf("failed to get device plugin options: %w", err), connection.Close())
	}
	ctx, p.callOff = context.WithCancel(context.WithoutCancel(ctx)) // it is heard for longer than its registration takes
	if err := m.add(resource, p); err != nil {
		return errors.Join(err, connection.Close())
	}
	m.Log.Info("A device plugin is connected", "resource", resource, "socket", socket)
	go func() {
		defer m.streams.Done()
		m.listen(ctx, resource, p, connection)
	}()
	return nil
}

func (m *Manager) add(resource string, p *plugin) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errors.New("the node agent ends")
	}
	o := m.offers[resource]
	if o == nil {
		o = newOffer(time.Time{})
		m.offers[resource] = o
	}
	m.disconnect(o, p.socket)
	o.plugins, o.gone = append([]*plugin{p}, o.plugins...), time.Time{}
	m.streams.Add(1)
	return m.keep()
}

// disconnect ends what is heard from a plugin. The lock is held.
func (m *Manager) disconnect(o *offer, socket string) {
	for _, p := range slices.Clone(o.plugins) {
		if p.socket == socket {
			p.callOff()
			o.drop(p, m.Clock.Now())
		}
	}
}

// listen hears what a plugin tells of its devices for as long as it is there.
func (m *Manager) listen(ctx context.Context, resource string, p *plugin, connection *grpc.ClientConn) {
	defer func() {
		p.callOff()
		_ = connection.Close() // nothing is under way on it
		m.mu.Lock()
		defer m.mu.Unlock()
		m.offers[resource].drop(p, m.Clock.Now())
	}()
	stream, err := p.client.ListAndWatch(ctx, &pluginapi.Empty{})
	for err == nil {
		var response *pluginapi.ListAndWatchResponse
		if response, err = stream.Recv(); err == nil {
			m.hear(resource, p, told(response.GetDevices()))
		}
	}
	if ctx.Err() == nil {
		m.Log.Info("A device plugin is gone", "resource", resource, "socket", p.socket, "because", err.Error())
	}
}

// close ends what is heard from all plugins.
func (m *Manager) close() {
	m.mu.Lock()
	m.closed = true
	for _, o := range m.offers {
		for _, p := range o.plugins {
			p.callOff()
		}
	}
	m.mu.Unlock()
	m.streams.Wait()
}

// checkName refuses what is no name of an extended resource.
func checkName(name string) error {
	native := !strings.Contains(name, "/") || strings.Contains(name, corev1.ResourceDefaultNamespacePrefix)
	quota := corev1.DefaultResourceRequestsPrefix + name
	if native || strings.HasPrefix(name, corev1.DefaultResourceRequestsPrefix) || len(validation.IsQualifiedName(quota)) > 0 {
		return fmt.Errorf("the ResourceName %q is invalid", name)
	}
	return nil
}
