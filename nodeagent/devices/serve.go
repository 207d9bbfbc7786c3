package devices

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"

	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

// registry is where plugins register.
type registry struct {
	pluginapi.UnimplementedRegistrationServer
	*Manager
}

// Run has plugins register until ctx ends. Those that are there notice by the socket, which is another one then, that they have to do it
// again.
func (m *Manager) Run(ctx context.Context) error {
	defer m.close()
	dir := filepath.Join(m.Root, Dir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("making the directory of device plugins: %w", err)
	}
	if err := removeSockets(dir); err != nil {
		return fmt.Errorf("removing the sockets of device plugins: %w", err)
	}
	listener, err := plugins.Listen(filepath.Join(dir, Socket))
	if err != nil {
		return fmt.Errorf("listening for device plugins: %w", err)
	}
	server := grpc.NewServer()
	pluginapi.RegisterRegistrationServer(server, registry{Manager: m})
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := server.Serve(listener); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serving the registration of device plugins: %w", err)
	}
	return nil
}

// removeSockets removes those of the plugins that were there before: who still runs makes a new one.
func removeSockets(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.Type() != fs.ModeSocket {
			continue
		}
		if gone := os.Remove(filepath.Join(dir, entry.Name())); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// Register implements the API for plugins.
func (r registry) Register(ctx context.Context, request *pluginapi.RegisterRequest) (*pluginapi.Empty, error) {
	if request.GetVersion() != pluginapi.Version {
		return nil, fmt.Errorf("requested API version %q is not supported by kubelet. Supported version is %q", request.GetVersion(), pluginapi.SupportedVersions)
	}
	if err := checkName(request.GetResourceName()); err != nil {
		return nil, err
	}
	if !filepath.IsLocal(request.GetEndpoint()) {
		return nil, fmt.Errorf("the endpoint %q is not the name of a socket in %s", request.GetEndpoint(), filepath.Join(r.Root, Dir))
	}
	if err := r.connect(ctx, request.GetResourceName(), filepath.Join(r.Root, Dir, request.GetEndpoint())); err != nil {
		return nil, err
	}
	return &pluginapi.Empty{}, nil
}
