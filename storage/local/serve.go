package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	registrationv1 "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"github.com/orrery-dev/orrery/storage/socket"
)

// listen opens a socket, in the place of one that an earlier process has left.
func listen(ctx context.Context, path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of a socket: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the socket of an earlier process: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", socket.Path(path))
	if err != nil {
		return nil, fmt.Errorf("serving volumes: %w", err)
	}
	return listener, nil
}

// serve serves until ctx ends, and then lets calls that are under way end.
func serve(ctx context.Context, server *grpc.Server, listener net.Listener) error {
	stop := context.AfterFunc(ctx, server.GracefulStop)
	defer stop()
	if err := server.Serve(listener); err != nil {
		return fmt.Errorf("serving volumes at %s: %w", listener.Addr(), err)
	}
	return nil
}

// registrar tells a node agent where the driver is.
type registrar struct {
	registrationv1.UnimplementedRegistrationServer
	driver *Driver
}

var _ registrationv1.RegistrationServer = registrar{}

// GetInfo names the driver and its socket.
func (r registrar) GetInfo(context.Context, *registrationv1.InfoRequest) (*registrationv1.PluginInfo, error) {
	return &registrationv1.PluginInfo{
		Type: registrationv1.CSIPlugin, Name: Name, Endpoint: r.driver.Socket(), SupportedVersions: []string{"1.0.0"},
	}, nil
}

// NotifyRegistrationStatus hears whether the node agent took the driver. What it can do about a refusal is to say so.
func (r registrar) NotifyRegistrationStatus(_ context.Context, told *registrationv1.RegistrationStatus) (*registrationv1.RegistrationStatusResponse, error) {
	if !told.PluginRegistered {
		r.driver.options.Log.Info("The node agent refused the driver", "driver", Name, "reason", told.Error)
	}
	return &registrationv1.RegistrationStatusResponse{}, nil
}
