package e2e

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	registrationv1 "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// registrar tells a node of a plugin.
type registrar struct {
	registrationv1.UnimplementedRegistrationServer
	info *registrationv1.PluginInfo
}

func (r registrar) GetInfo(context.Context, *registrationv1.InfoRequest) (*registrationv1.PluginInfo, error) {
	return r.info, nil
}

func (r registrar) NotifyRegistrationStatus(context.Context, *registrationv1.RegistrationStatus) (*registrationv1.RegistrationStatusResponse, error) {
	return &registrationv1.RegistrationStatusResponse{}, nil
}

// plugIn registers a plugin with a node, whose directory this is, until the test ends. serve adds what it is to the server.
func plugIn(t *testing.T, node, socket string, info *registrationv1.PluginInfo, serve func(*grpc.Server)) {
	t.Helper()
	server := grpc.NewServer()
	serve(server)
	registrationv1.RegisterRegistrationServer(server, registrar{info: info})
	t.Cleanup(server.Stop)
	for _, path := range []string{info.Endpoint, filepath.Join(node, "plugins_registry", socket)} {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = server.Serve(listener) }() // it ends with the test
	}
}
