package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/network/bridge"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
	"github.com/orrery-dev/orrery/nodeagent/images"
)

// patience is how long a test waits for anything.
const patience = time.Minute

// node is one node's runtime and pod network, as `orrery up` has them.
type node struct {
	t              *testing.T
	name           string
	options        containerd.Options
	network        *bridge.Network
	pods, services []netip.Prefix // one of each family, IPv4 first
	runtime        *containerd.Runtime
	cri            runtimeapi.RuntimeServiceClient
	stop           func() // ends the runtime's supervision, and waits for it
}

// newNode starts a node with a name and ranges of its own, and sees to it that nothing of it is left when the test ends.
func newNode(t *testing.T) *node {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("running containers needs root")
	}
	programs, err := filepath.Abs("../../bin/runtime")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(programs, "containerd")); err != nil {
		t.Skip("there is no bin/runtime/containerd: run `make runtime` first")
	}
	dir := t.TempDir()
	name := fmt.Sprintf("test-%d-%d", os.Getpid(), rand.IntN(10000))
	n := &node{t: t, name: name}
	pods := freeRange(t)
	services := freeRange(t, pods)
	n.pods, n.services = []netip.Prefix{pods, inIPv6(pods)}, []netip.Prefix{services, inIPv6(services)}
	n.network, err = bridge.New(bridge.Options{Name: name, PodCIDRs: n.pods, ServiceCIDRs: n.services, Dir: filepath.Join(dir, "cni")})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.network.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.options = containerd.Options{
		Dir: filepath.Join(dir, "containerd"), Programs: programs, CNIConfDir: n.network.ConfDir(),
		RegistryDir: filepath.Join(dir, "registries"), CgroupRoot: "/" + name, SharedDirs: []string{filepath.Join(dir, "volumes")},
	}
	t.Cleanup(func() { n.tearDown(dir) })
	n.start()
	for _, archive := range []string{"pause", "web"} {
		if _, err := n.runtime.Images().Load(t.Context(), filepath.Join("../../bin/images", archive+".tar")); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// start runs the runtime, as a control plane does that has just been started, and connects.
func (n *node) start() {
	n.t.Helper()
	runtime, err := containerd.New(n.options)
	if err != nil {
		n.t.Fatal(err)
	}
	n.runtime = runtime
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runtime.Run(ctx) }()
	n.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			n.t.Errorf("running the runtime: %v", err)
		}
		n.stop = func() {}
	}
	waiting, done := context.WithTimeout(n.t.Context(), patience)
	defer done()
	if err := runtime.WaitReady(waiting); err != nil {
		log, _ := os.ReadFile(runtime.LogFile())
		n.t.Fatalf("%v\n%s", err, log)
	}
	connection, err := grpc.NewClient(runtime.Endpoint(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = connection.Close() }) // nothing is under way on it
	n.cri = runtimeapi.NewRuntimeServiceClient(connection)
}

// tearDown removes the node, and fails the test when anything of it is left on the host.
func (n *node) tearDown(dir string) {
	n.stop()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(n.runtime.Reset(ctx), n.network.Down(ctx)); err != nil {
		n.t.Errorf("removing the node: %v", err)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || bytes.Contains(mounts, []byte(dir)) {
		n.t.Errorf("mounts are left in %s (%v):\n%s", dir, err, mounts)
	}
	run := filepath.Dir(strings.TrimPrefix(n.runtime.Endpoint(), "unix://"))
	for _, path := range []string{run, n.options.Dir} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			n.t.Errorf("%s is left", path)
		}
	}
	if _, err := netlink.LinkByName(n.network.Interface()); !errors.As(err, &netlink.LinkNotFoundError{}) {
		n.t.Errorf("the bridge %s is left (%v)", n.network.Interface(), err)
	}
	cgroups, err := filepath.Glob("/sys/fs/cgroup/*" + n.options.CgroupRoot)
	if err != nil || len(cgroups) > 0 {
		n.t.Errorf("cgroups are left: %v %v", cgroups, err)
	}
}

// inIPv6 is a /64 that is as free as a range of IPv4 is.
func inIPv6(r netip.Prefix) netip.Prefix {
	four := r.Addr().As4()
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x7e, 4: four[1], 5: four[2]}), 64)
}

// freeRange is a /24 that no interface of this host uses.
func freeRange(t *testing.T, taken ...netip.Prefix) netip.Prefix {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil {
			taken = append(taken, prefix.Masked())
		}
	}
	for {
		candidate := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(128 + rand.IntN(127)), byte(rand.IntN(256)), 0}), 24)
		free := true
		for _, other := range taken {
			free = free && !candidate.Overlaps(other)
		}
		if free {
			return candidate
		}
	}
}

// pod is a running pod with one container.
type pod struct {
	sandbox, container, log string
	// ip is its address of IPv4, and ips are those of both families.
	ip  string
	ips []string
}

// runPod starts a pod with one container of the web image.
func (n *node) runPod(name string, options ...func(*runtimeapi.PodSandboxConfig)) pod {
	n.t.Helper()
	logs := filepath.Join(n.t.TempDir(), name)
	if err := os.MkdirAll(logs, 0o755); err != nil {
		n.t.Fatal(err)
	}
	config := &runtimeapi.PodSandboxConfig{
		Metadata:     &runtimeapi.PodSandboxMetadata{Name: name, Namespace: "default", Uid: name},
		Hostname:     name,
		LogDirectory: logs,
		Linux:        &runtimeapi.LinuxPodSandboxConfig{CgroupParent: n.options.CgroupRoot + "/pod" + name},
	}
	for _, option := range options {
		option(config)
	}
	sandbox, err := n.cri.RunPodSandbox(n.t.Context(), &runtimeapi.RunPodSandboxRequest{Config: config})
	if err != nil {
		n.t.Fatalf("running the sandbox of pod %s: %v", name, err)
	}
	container, err := n.cri.CreateContainer(n.t.Context(), &runtimeapi.CreateContainerRequest{
		PodSandboxId: sandbox.PodSandboxId,
		Config: &runtimeapi.ContainerConfig{
			Metadata: &runtimeapi.ContainerMetadata{Name: "web"},
			Image:    &runtimeapi.ImageSpec{Image: images.Web},
			LogPath:  "web.log",
			Linux: &runtimeapi.LinuxContainerConfig{
				Resources:       &runtimeapi.LinuxContainerResources{MemoryLimitInBytes: 64 << 20},
				SecurityContext: &runtimeapi.LinuxContainerSecurityContext{Seccomp: config.GetLinux().GetSecurityContext().GetSeccomp()},
			},
		},
		SandboxConfig: config,
	})
	if err != nil {
		n.t.Fatalf("creating the container of pod %s: %v", name, err)
	}
	if _, err := n.cri.StartContainer(n.t.Context(), &runtimeapi.StartContainerRequest{ContainerId: container.ContainerId}); err != nil {
		n.t.Fatalf("starting the container of pod %s: %v", name, err)
	}
	status, err := n.cri.PodSandboxStatus(n.t.Context(), &runtimeapi.PodSandboxStatusRequest{PodSandboxId: sandbox.PodSandboxId})
	if err != nil {
		n.t.Fatalf("asking for the status of pod %s: %v", name, err)
	}
	network := status.GetStatus().GetNetwork()
	p := pod{sandbox: sandbox.PodSandboxId, container: container.ContainerId, log: filepath.Join(logs, "web.log"), ip: network.GetIp(), ips: []string{network.GetIp()}}
	for _, more := range network.GetAdditionalIps() {
		p.ips = append(p.ips, more.GetIp())
	}
	return p
}

// exec runs a command in a pod's container and returns what it printed.
func (n *node) exec(p pod, command ...string) (string, error) {
	answer, err := n.cri.ExecSync(n.t.Context(), &runtimeapi.ExecSyncRequest{ContainerId: p.container, Cmd: command, Timeout: 30})
	if err != nil {
		return "", err
	}
	if answer.ExitCode != 0 {
		return string(answer.Stdout), fmt.Errorf("%v exited with %d: %s", command, answer.ExitCode, answer.Stderr)
	}
	return string(answer.Stdout), nil
}
