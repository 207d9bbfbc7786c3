package devices

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"google.golang.org/grpc"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// vendor is a plugin that tells what it is told to tell, and writes down what it is asked.
type vendor struct {
	pluginapi.UnimplementedDevicePluginServer
	options pluginapi.DevicePluginOptions
	lists   chan []*pluginapi.Device
	fails   error

	mu    sync.Mutex
	asked []string
}

func (v *vendor) note(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = append(v.asked, fmt.Sprintf(format, args...))
}

func (v *vendor) was() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	asked := strings.Join(v.asked, ", ")
	v.asked = nil
	return asked
}

func (v *vendor) GetDevicePluginOptions(context.Context, *pluginapi.Empty) (*pluginapi.DevicePluginOptions, error) {
	return &v.options, nil
}

func (v *vendor) ListAndWatch(_ *pluginapi.Empty, stream grpc.ServerStreamingServer[pluginapi.ListAndWatchResponse]) error {
	for {
		select {
		case <-stream.Context().Done():
			return nil
		case list := <-v.lists:
			if err := stream.Send(&pluginapi.ListAndWatchResponse{Devices: list}); err != nil {
				return err
			}
		}
	}
}

func (v *vendor) GetPreferredAllocation(_ context.Context, r *pluginapi.PreferredAllocationRequest) (*pluginapi.PreferredAllocationResponse, error) {
	asked := r.GetContainerRequests()[0]
	v.note("prefer %d of %v with %v", asked.GetAllocationSize(), asked.GetAvailableDeviceIDs(), asked.GetMustIncludeDeviceIDs())
	available := asked.GetAvailableDeviceIDs()
	return &pluginapi.PreferredAllocationResponse{ContainerResponses: []*pluginapi.ContainerPreferredAllocationResponse{{
		DeviceIDs: available[len(available)-int(asked.GetAllocationSize()):],
	}}}, nil
}

func (v *vendor) Allocate(_ context.Context, r *pluginapi.AllocateRequest) (*pluginapi.AllocateResponse, error) {
	ids := r.GetContainerRequests()[0].GetDevicesIds()
	v.note("allocate %v", ids)
	if v.fails != nil {
		return nil, v.fails
	}
	return &pluginapi.AllocateResponse{ContainerResponses: []*pluginapi.ContainerAllocateResponse{{
		Envs: map[string]string{"DEVICES": strings.Join(ids, ",")},
	}}}, nil
}

func (v *vendor) PreStartContainer(_ context.Context, r *pluginapi.PreStartContainerRequest) (*pluginapi.PreStartContainerResponse, error) {
	v.note("prestart %v", r.GetDevicesIds())
	return &pluginapi.PreStartContainerResponse{}, nil
}
