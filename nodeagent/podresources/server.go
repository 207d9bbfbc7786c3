package podresources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
	podresourcesv1 "k8s.io/kubelet/pkg/apis/podresources/v1"

	"github.com/orrery-dev/orrery/nodeagent/claims"
	"github.com/orrery-dev/orrery/nodeagent/devices"
	"github.com/orrery-dev/orrery/nodeagent/memory"
	"github.com/orrery-dev/orrery/nodeagent/plugins"
	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// Dir is the directory of the socket, below the node's, and Socket its name.
const (
	Dir    = "pod-resources"
	Socket = "kubelet.sock"
)

// How many requests a second are answered, and how many at once; the kubelet's figures.
const (
	qps   = 100
	burst = 10
)

// Devices are those of plugins.
type Devices interface {
	// Given are the devices of a container, by resource, each with the NUMA nodes that it is near to.
	Given(pod types.UID, container string) map[string]map[string][]int64
	// Offered are those that there are to be given, by resource and ID.
	Offered() map[string]map[string]devices.Device
}

// CPUs are those that containers have for themselves.
type CPUs interface {
	// GivenCPUs are those of a container.
	GivenCPUs(pod types.UID, container string) []int
	// AllocatableCPUs are those that there are to be given.
	AllocatableCPUs() []int
}

// Memory is what containers have of certain NUMA nodes.
type Memory interface {
	// GivenMemory are the blocks of a container.
	GivenMemory(pod types.UID, container string) []memory.Block
	// AllocatableMemory are those that there are to be given.
	AllocatableMemory() []memory.Block
}

// Claims are what containers claim of resources.
type Claims interface {
	// Of are the claims of a container.
	Of(pod *corev1.Pod, spec *corev1.Container) []claims.Claim
}

// Server answers the API.
type Server struct {
	podresourcesv1.UnimplementedPodResourcesListerServer
	// Root is the node's directory.
	Root string
	// Pods returns those of the node that have not ended.
	Pods    func() []*corev1.Pod
	Devices Devices
	CPUs    CPUs
	Memory  Memory
	Claims  Claims
}

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	socket := filepath.Join(s.Root, Dir, Socket)
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return fmt.Errorf("making the directory of the pod resources API: %w", err)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the socket of the pod resources API of an agent before: %w", err)
	}
	listener, err := plugins.Listen(socket)
	if err != nil {
		return fmt.Errorf("listening for the pod resources API: %w", err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(limited(flowcontrol.NewTokenBucketRateLimiter(qps, burst))))
	podresourcesv1.RegisterPodResourcesListerServer(server, s)
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := server.Serve(listener); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serving the pod resources API: %w", err)
	}
	return nil
}

// limited refuses requests for which there is no room.
func limited(limiter flowcontrol.PassiveRateLimiter) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, answer grpc.UnaryHandler) (any, error) {
		if !limiter.TryAccept() {
			return nil, status.Error(codes.ResourceExhausted, "rejected by rate limit")
		}
		return answer(ctx, request)
	}
}

// List tells of all pods.
func (s *Server) List(context.Context, *podresourcesv1.ListPodResourcesRequest) (*podresourcesv1.ListPodResourcesResponse, error) {
	response := &podresourcesv1.ListPodResourcesResponse{}
	for _, pod := range s.Pods() {
		response.PodResources = append(response.PodResources, s.of(pod))
	}
	return response, nil
}

// Get tells of one pod.
func (s *Server) Get(_ context.Context, request *podresourcesv1.GetPodResourcesRequest) (*podresourcesv1.GetPodResourcesResponse, error) {
	for _, pod := range s.Pods() {
		if pod.Name == request.GetPodName() && pod.Namespace == request.GetPodNamespace() {
			return &podresourcesv1.GetPodResourcesResponse{PodResources: s.of(pod)}, nil
		}
	}
	return nil, fmt.Errorf("pod %s in namespace %s not found", request.GetPodName(), request.GetPodNamespace())
}

// GetAllocatableResources tells what there is to be given.
func (s *Server) GetAllocatableResources(context.Context, *podresourcesv1.AllocatableResourcesRequest) (*podresourcesv1.AllocatableResourcesResponse, error) {
	all := map[string]map[string][]int64{}
	for resource, found := range s.Devices.Offered() {
		all[resource] = map[string][]int64{}
		for id, d := range found {
			all[resource][id] = d.NUMA
		}
	}
	return &podresourcesv1.AllocatableResourcesResponse{
		Devices: deviceList(all), CpuIds: numbers(s.CPUs.AllocatableCPUs()), Memory: memoryList(s.Memory.AllocatableMemory()),
	}, nil
}

// of is what a pod has.
func (s *Server) of(pod *corev1.Pod) *podresourcesv1.PodResources {
	has := &podresourcesv1.PodResources{Name: pod.Name, Namespace: pod.Namespace}
	add := func(spec *corev1.Container) {
		has.Containers = append(has.Containers, &podresourcesv1.ContainerResources{
			Name: spec.Name, Devices: deviceList(s.Devices.Given(pod.UID, spec.Name)), CpuIds: numbers(s.CPUs.GivenCPUs(pod.UID, spec.Name)),
			Memory: memoryList(s.Memory.GivenMemory(pod.UID, spec.Name)), DynamicResources: claimList(s.Claims.Of(pod, spec)),
		})
	}
	for i := range pod.Spec.InitContainers {
		if restart.Sidecar(&pod.Spec.InitContainers[i]) {
			add(&pod.Spec.InitContainers[i])
		}
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i])
	}
	return has
}
