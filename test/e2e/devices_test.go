package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
	podresourcesv1 "k8s.io/kubelet/pkg/apis/podresources/v1"
	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/internal/await"
)

// thing is what the plugin of the test offers two of, thing-0 and thing-1; each is /dev/null.
const thing = "example.com/thing"

type thingPlugin struct {
	pluginapi.UnimplementedDevicePluginServer
}

func (thingPlugin) GetDevicePluginOptions(context.Context, *pluginapi.Empty) (*pluginapi.DevicePluginOptions, error) {
	return &pluginapi.DevicePluginOptions{}, nil
}

func (thingPlugin) ListAndWatch(_ *pluginapi.Empty, stream grpc.ServerStreamingServer[pluginapi.ListAndWatchResponse]) error {
	response := &pluginapi.ListAndWatchResponse{}
	for i := range 2 {
		response.Devices = append(response.Devices, &pluginapi.Device{ID: fmt.Sprint("thing-", i), Health: pluginapi.Healthy})
	}
	if err := stream.Send(response); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (thingPlugin) Allocate(_ context.Context, r *pluginapi.AllocateRequest) (*pluginapi.AllocateResponse, error) {
	answer := &pluginapi.ContainerAllocateResponse{Envs: map[string]string{"THINGS": fmt.Sprint(r.GetContainerRequests()[0].GetDevicesIds())}}
	for _, id := range r.GetContainerRequests()[0].GetDevicesIds() {
		answer.Devices = append(answer.Devices, &pluginapi.DeviceSpec{HostPath: "/dev/null", ContainerPath: "/dev/" + id, Permissions: "rw"})
	}
	return &pluginapi.AllocateResponse{ContainerResponses: []*pluginapi.ContainerAllocateResponse{answer}}, nil
}

// offerThings has the plugin register with a node, whose directory this is. It ends with the returned function, or the test.
func offerThings(t *testing.T, node string) (stop func()) {
	t.Helper()
	dir := filepath.Join(node, "device-plugins")
	listener, err := net.Listen("unix", filepath.Join(dir, "things.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pluginapi.RegisterDevicePluginServer(server, thingPlugin{})
	t.Cleanup(server.Stop)
	go func() { _ = server.Serve(listener) }() // it ends with the test
	connection := dial(t, filepath.Join(dir, "kubelet.sock"))
	if _, err := pluginapi.NewRegistrationClient(connection).Register(t.Context(), &pluginapi.RegisterRequest{
		Version: pluginapi.Version, Endpoint: "things.sock", ResourceName: thing,
	}); err != nil {
		t.Fatal(err)
	}
	return server.Stop
}

func dial(t *testing.T, socket string) *grpc.ClientConn {
	t.Helper()
	connection, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

const ownCPUs = `
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
nodeStatusUpdateFrequency: 1s
cpuManagerPolicy: static
topologyManagerPolicy: single-numa-node
reservedSystemCPUs: "0"
`

const thingPod = `
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: registry.orrery.dev/web:1
    resources: {limits: {LIMITS}}
`

// runsOn are the CPUs that the kernel has a pod's container run on.
func (p *plane) runsOn(pod string) (cpuset.CPUSet, error) {
	said, err := p.try("kubectl", "exec", pod, "--", "/web", "cat", "/proc/self/status")
	if err != nil {
		return cpuset.CPUSet{}, err
	}
	_, after, _ := strings.Cut(said, "Cpus_allowed_list:")
	list, _, _ := strings.Cut(after, "\n")
	return cpuset.Parse(strings.TrimSpace(list))
}

// moves waits until a pod's container runs on some CPUs.
func (p *plane) moves(pod string, want cpuset.CPUSet) {
	p.t.Helper()
	await.Until(p.t, fmt.Sprintf("pod %s to run on CPUs %s", pod, want), func() (string, bool) {
		got, err := p.runsOn(pod)
		return fmt.Sprint(got, err), err == nil && got.Equals(want)
	})
}

// TestAPodHasDevicesAndCPUsForItself has a pod with a device of a plugin and a CPU of its own run beside one that shares, on a node that is
// killed meanwhile.
func TestAPodHasDevicesAndCPUsForItself(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	if runtime.NumCPU() < 2 {
		t.Skip("one CPU is the system's, and there is no other")
	}
	config := filepath.Join(t.TempDir(), "kubelet.yaml")
	if err := os.WriteFile(config, []byte(ownCPUs), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--runtime", "containerd", "--node-config", config}
	p := start(t, flags...)
	root := filepath.Join(p.dir, p.name, "node")
	offerThings(t, root)
	node := "node/" + p.get("nodes", "{.items[0].metadata.name}")
	p.becomes("2 2", node, `{.status.capacity.example\.com/thing} {.status.allocatable.example\.com/thing}`)

	run := func(name, limits, more string) {
		p.apply(strings.NewReplacer("NAME", name, "LIMITS", limits).Replace(thingPod) + more)
	}
	run("shares", "", "")
	p.becomes("Running", "pod/shares", "{.status.phase}")
	all, err := p.runsOn("shares")
	if err != nil || !all.Contains(0) || all.Size() < 2 {
		t.Fatalf("a pod alone runs on CPUs %s (%v)", all, err)
	}
	run("own", "cpu: 1, memory: 64Mi, example.com/thing: 1", "")
	p.becomes("Running example.com/thing thing-0 Healthy", "pod/own",
		"{.status.phase} {range .status.containerStatuses[0].allocatedResourcesStatus[*]}{.name} {.resources[0].resourceID} {.resources[0].health}{end}")
	own, err := p.runsOn("own")
	if err != nil || own.Size() != 1 || own.Contains(0) {
		t.Fatalf("a pod with a CPU for itself runs on %s (%v)", own, err)
	}
	p.moves("shares", all.Difference(own))
	if said := p.kubectl("exec", "own", "--", "/web", "env"); !strings.Contains(said, "THINGS=[thing-0]") {
		t.Errorf("it is not told of its device:\n%s", said)
	}
	if said := p.kubectl("exec", "own", "--", "/web", "ls", "/dev"); !strings.Contains(said, "thing-0") {
		t.Errorf("it has no device: %s", said)
	}
	run("refused", "example.com/thing: 2", "  nodeName: "+strings.TrimPrefix(node, "node/")+"\n")
	p.becomes("Failed OutOfexample.com/thing", "pod/refused", "{.status.phase} {.status.reason}")

	const instance = "{.status.containerStatuses[0].containerID}"
	started := p.get("pod/own", instance)
	p.claims(strings.TrimPrefix(node, "node/"), root)
	p.kill()
	p.up(flags...)
	stop := offerThings(t, root)
	p.becomes("2", node, `{.status.allocatable.example\.com/thing}`)
	has, err := podresourcesv1.NewPodResourcesListerClient(dial(t, filepath.Join(root, "pod-resources", "kubelet.sock"))).Get(
		t.Context(), &podresourcesv1.GetPodResourcesRequest{PodNamespace: "default", PodName: "own"})
	if told := fmt.Sprint(has.GetPodResources().GetContainers()); err != nil || !strings.Contains(told, "thing-0") || !strings.Contains(told, "cpu_ids:"+own.String()) {
		t.Errorf("after a restart of the agent the pod has %s (%v)", told, err)
	}
	p.moves("shares", all.Difference(own))
	if now := p.get("pod/own", instance); now != started {
		t.Errorf("its container was %s before the end of the agent, and is %s after it", started, now)
	}
	p.kubectl("delete", "pod/own", "--wait")
	p.moves("shares", all)
	stop()
	p.becomes("2 0", node, `{.status.capacity.example\.com/thing} {.status.allocatable.example\.com/thing}`)
}
