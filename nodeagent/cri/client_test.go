package cri_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// socket is a runtime with one container behind a socket.
type socket struct {
	runtimeapi.UnimplementedRuntimeServiceServer
	runtimeapi.UnimplementedImageServiceServer
	name string
}

func (s *socket) Version(context.Context, *runtimeapi.VersionRequest) (*runtimeapi.VersionResponse, error) {
	if s.name == "" {
		return nil, status.Error(codes.Unimplemented, "this is no container runtime")
	}
	return &runtimeapi.VersionResponse{Version: "0.1.0", RuntimeName: s.name, RuntimeVersion: "1.2.3", RuntimeApiVersion: "v1"}, nil
}

func (s *socket) ListPodSandbox(context.Context, *runtimeapi.ListPodSandboxRequest) (*runtimeapi.ListPodSandboxResponse, error) {
	return &runtimeapi.ListPodSandboxResponse{}, nil
}

func (s *socket) ListContainers(context.Context, *runtimeapi.ListContainersRequest) (*runtimeapi.ListContainersResponse, error) {
	return &runtimeapi.ListContainersResponse{Containers: []*runtimeapi.Container{{Id: "123", PodSandboxId: "sandbox"}}}, nil
}

func (s *socket) ContainerStatus(_ context.Context, request *runtimeapi.ContainerStatusRequest) (*runtimeapi.ContainerStatusResponse, error) {
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{
		Id: request.ContainerId, Metadata: &runtimeapi.ContainerMetadata{Name: "main"}, Image: &runtimeapi.ImageSpec{Image: "image"}, ImageRef: "image@sha256:1",
		State: runtimeapi.ContainerState_CONTAINER_RUNNING, CreatedAt: 1, StartedAt: 2,
	}}, nil
}

func (s *socket) ImageFsInfo(context.Context, *runtimeapi.ImageFsInfoRequest) (*runtimeapi.ImageFsInfoResponse, error) {
	return &runtimeapi.ImageFsInfoResponse{}, nil
}

// listen serves a runtime until the test ends, and returns where.
func listen(t *testing.T, runtime *socket) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cri.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	runtimeapi.RegisterRuntimeServiceServer(server, runtime)
	runtimeapi.RegisterImageServiceServer(server, runtime)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "unix://" + path
}

func TestContainerIDsBeginWithTheRuntimesName(t *testing.T) {
	for _, name := range []string{"containerd", "cri-o"} {
		client, err := cri.Connect(t.Context(), listen(t, &socket{name: name}))
		if err != nil {
			t.Fatal(err)
		}
		pod, err := cri.ReadPod(t.Context(), cri.WithDeadlines(client, cri.DefaultDeadlines()), "node", "uid")
		if err != nil || len(pod.Containers) != 1 {
			t.Fatalf("the pod is %+v (%v)", pod, err)
		}
		if got, want := pod.Containers[0].ContainerID(), name+"://123"; got != want {
			t.Errorf("the container's ID is %s, want %s", got, want)
		}
		if err := client.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestConnectRefusesWhatIsNoRuntime(t *testing.T) {
	if client, err := cri.Connect(t.Context(), listen(t, &socket{})); err == nil {
		t.Errorf("connected to %q", client.Name())
	}
}
