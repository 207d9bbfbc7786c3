package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/orrery-dev/orrery/storage/socket"
)

// Dial reaches the driver of a node over its socket, and asks it what it is. The connection is closed by end.
func Dial(ctx context.Context, path, node string) (d *Driver, end func() error, err error) {
	connection, err := grpc.NewClient("unix:"+socket.Path(path), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, fmt.Errorf("reaching the CSI driver at %s: %w", path, err)
	}
	if d, err = ask(ctx, connection, node); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("asking the CSI driver at %s: %w", path, err), connection.Close())
	}
	return d, connection.Close, nil
}

// ask asks a driver what it is, where it is and what it can.
func ask(ctx context.Context, connection grpc.ClientConnInterface, node string) (*Driver, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	info, err := csi.NewIdentityClient(connection).GetPluginInfo(ctx, &csi.GetPluginInfoRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return nil, fmt.Errorf("GetPluginInfo: %w", err)
	}
	controller := csi.NewControllerClient(connection)
	d := &Driver{Name: info.GetName(), Controller: controller, Can: map[csi.ControllerServiceCapability_RPC_Type]bool{}}
	can, err := controller.ControllerGetCapabilities(ctx, &csi.ControllerGetCapabilitiesRequest{})
	if err != nil {
		return nil, fmt.Errorf("ControllerGetCapabilities: %w", err)
	}
	for _, c := range can.GetCapabilities() {
		d.Can[c.GetRpc().GetType()] = true
	}
	at, err := csi.NewNodeClient(connection).NodeGetInfo(ctx, &csi.NodeGetInfoRequest{})
	if err != nil {
		return nil, fmt.Errorf("NodeGetInfo: %w", err)
	}
	d.Place = Node{Name: node, In: at.GetAccessibleTopology().GetSegments()}
	return d, nil
}
