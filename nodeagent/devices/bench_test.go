package devices

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

const gpu = "example.com/gpu"

// bench is a node with a manager.
type bench struct {
	t *testing.T
	*Manager
	clock   *testingclock.FakeClock
	stop    func()
	changed chan types.UID
}

func newBench(t *testing.T) *bench {
	root, err := os.MkdirTemp("", "devices") //nolint:usetesting // paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, clock: testingclock.NewFakeClock(time.Now()), changed: make(chan types.UID, 100)}
	b.start(root)
	t.Cleanup(func() {
		b.stop()
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) start(root string) {
	b.Manager = New(Options{Root: root, Clock: b.clock, Changed: func(pod types.UID) { b.changed <- pod }})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	b.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
	}
	await.Success(b.t, "the manager listens", func() error {
		connection, err := net.Dial("unix", filepath.Join(root, Dir, Socket))
		if err == nil {
			err = connection.Close()
		}
		return err
	})
}

// restart has another agent in the place of this one.
func (b *bench) restart() {
	b.stop()
	b.start(b.Root)
}

// plug has a plugin serve in the node's directory, register and tell of devices. It ends with the returned function, or the test.
func (b *bench) plug(v *vendor, endpoint, devices string) (unplug func()) {
	b.t.Helper()
	v.lists = make(chan []*pluginapi.Device, 1)
	socket := filepath.Join(b.Root, Dir, endpoint)
	_ = os.Remove(socket) // of the one before
	listener, err := net.Listen("unix", socket)
	if err != nil {
		b.t.Fatal(err)
	}
	server := grpc.NewServer()
	pluginapi.RegisterDevicePluginServer(server, v)
	go func() { _ = server.Serve(listener) }()
	b.t.Cleanup(server.Stop)
	if err := b.register(pluginapi.Version, endpoint, gpu); err != nil {
		b.t.Fatal(err)
	}
	b.tell(v, devices)
	return server.Stop
}

func (b *bench) register(version, endpoint, name string) error {
	connection, err := plugins.Dial(filepath.Join(b.Root, Dir, Socket))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	_, err = pluginapi.NewRegistrationClient(connection).Register(b.t.Context(), &pluginapi.RegisterRequest{
		Version: version, Endpoint: endpoint, ResourceName: name,
	})
	return err
}

// tell has the plugin tell of devices, and waits until that is known.
func (b *bench) tell(v *vendor, devices string) {
	b.t.Helper()
	all := machine(devices)
	var list []*pluginapi.Device
	for id, d := range all {
		device := &pluginapi.Device{ID: id, Health: pluginapi.Unhealthy, Topology: &pluginapi.TopologyInfo{}}
		if d.Healthy {
			device.Health = pluginapi.Healthy
		}
		for _, node := range d.NUMA {
			device.Topology.Nodes = append(device.Topology.Nodes, &pluginapi.NUMANode{ID: node})
		}
		list = append(list, device)
	}
	v.lists <- list
	await.Until(b.t, "the devices to be known", func() (string, bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		known := b.offers[gpu].devices
		return fmt.Sprint(known), fmt.Sprint(known) == fmt.Sprint(all)
	})
}

// has waits until the node has so many, of which so many can be given.
func (b *bench) has(want string) {
	b.t.Helper()
	await.Until(b.t, "the node to have "+want, func() (string, bool) {
		capacity, allocatable := b.Amounts()
		all, healthy := capacity[gpu], allocatable[gpu]
		got := fmt.Sprintf("%s, %s allocatable", all.String(), healthy.String())
		return got, got == want
	})
}

// asking is a pod whose containers ask for devices, written as "init:1 ~side:1 main:2"; a tilde stands for a sidecar, and containers whose
// names begin with init are init containers.
func asking(name, containers string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
	always := corev1.ContainerRestartPolicyAlways
	for word := range strings.FieldsSeq(containers) {
		name, amount, _ := strings.Cut(word, ":")
		spec := corev1.Container{Name: strings.TrimPrefix(name, "~")}
		spec.Resources.Limits = corev1.ResourceList{gpu: resource.MustParse(amount), "example.com/other": resource.MustParse("1")}
		switch {
		case name != spec.Name:
			spec.RestartPolicy = &always
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, spec)
		case strings.HasPrefix(name, "init"):
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, spec)
		default:
			pod.Spec.Containers = append(pod.Spec.Containers, spec)
		}
	}
	return pod
}

func specs(pod *corev1.Pod) (all []*corev1.Container) {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}

// gets are the devices that the containers of a pod are given, in their order.
func (b *bench) gets(pod *corev1.Pod) string {
	b.t.Helper()
	var got []string
	for _, spec := range specs(pod) {
		if err := b.Allocate(b.t.Context(), pod, spec, nil); err != nil {
			return err.Error()
		}
		config := &runtimeapi.ContainerConfig{Annotations: map[string]string{}}
		if err := b.Container(b.t.Context(), pod, spec, config); err != nil {
			return err.Error()
		}
		has := "nothing"
		if len(config.Envs) > 0 {
			has = string(config.Envs[0].Value)
		}
		got = append(got, spec.Name+" "+has)
	}
	return strings.Join(got, ", ")
}
