package devices

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"

	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

func TestANodeHasWhatPluginsOffer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := &vendor{}
	unplug := b.plug(v, "v.sock", "a b c!")
	b.has("3, 2 allocatable")
	b.tell(v, "a b! c!")
	b.has("3, 1 allocatable")
	unplug()
	b.has("3, 0 allocatable")
	if got := b.gets(asking("late", "main:1")); got != "no healthy devices present; cannot allocate unhealthy devices example.com/gpu" {
		t.Errorf("without its plugin a pod gets %s", got)
	}
	b.clock.Step(stopGracePeriod + time.Second)
	b.has("0, 0 allocatable")
	unplug = b.plug(&vendor{}, "v.sock", "a")
	b.has("1, 1 allocatable")
	b.plug(&vendor{}, "other.sock", "a b")
	unplug()
	b.has("2, 2 allocatable")
}

func TestAPodHasItsDevicesUntilItIsOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := &vendor{}
	b.plug(v, "v.sock", "a b c")
	first, second := asking("first", "main:2"), asking("second", "main:2")
	if got := b.gets(first); got != "main a,b" {
		t.Errorf("the first pod is given %s", got)
	}
	if got := b.gets(first); got != "main a,b" || v.was() != "allocate [a b]" {
		t.Errorf("the next instance is made with %s", got)
	}
	const short = "requested number of devices unavailable for example.com/gpu. Requested: 2, Available: 1"
	if got := b.gets(second); got != short || b.Has(second, &second.Spec.Containers[0]) {
		t.Errorf("the second pod gets %s", got)
	}

	b.restart()
	b.has("0, 0 allocatable") // until the plugin is back
	if got := b.gets(first); got != "main a,b" {
		t.Errorf("after a restart of the agent, and without the plugin, the first pod has %s", got)
	}
	b.plug(v, "v.sock", "a b c")
	if got := b.gets(second); got != short {
		t.Errorf("after a restart of the agent the second pod gets %s", got)
	}
	if err := b.Release("first"); err != nil {
		t.Fatal(err)
	}
	if got := b.gets(second); got != "main a,b" || !slices.Equal(b.Pods(), []string{"second"}) {
		t.Errorf("of what the first pod had the second one gets %s, and pods with devices are %q", got, b.Pods())
	}
	if info, err := os.Stat(filepath.Join(b.Root, "devices.json")); err != nil || info.Mode() != 0o600 {
		t.Errorf("the checkpoint is %v (%v)", info, err)
	}
}

func TestInitContainersPassTheirDevicesOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ pod, want string }{
		"to the containers":                {"init:2 main:2", "init a,b, main a,b"},
		"to each of them once":             {"init:2 main:1 more:1", "init a,b, main a, more b"},
		"to the next one":                  {"init1:1 init2:2 main:3", "init1 a, init2 a,b, main a,b,c"},
		"but not those of sidecars":        {"~side:1 init:1 main:1", "side a, init b, main b"},
		"and to sidecars, which keep them": {"init:1 ~side:1 main:1", "init a, side a, main b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.plug(&vendor{}, "v.sock", "a b c")
			if got := b.gets(asking("pod", test.pod)); got != test.want {
				t.Errorf("they are given %s, want %s", got, test.want)
			}
		})
	}
}

func TestAPluginIsAskedWhatItWantsToBe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := &vendor{options: pluginapi.DevicePluginOptions{GetPreferredAllocationAvailable: true, PreStartRequired: true}}
	b.plug(v, "v.sock", "a b c")
	if got := b.gets(asking("first", "init:1 main:2")); got != "init c, main b,c" {
		t.Errorf("the pod is given %s", got)
	}
	if got, want := v.was(), "prefer 1 of [a b c] with [], allocate [c], prestart [c], prefer 2 of [a b c] with [c], allocate [b c], prestart [b c]"; got != want {
		t.Errorf("the plugin was asked\n  %s, want\n  %s", got, want)
	}
	v.fails = errors.New("the device is dirty")
	if got := b.gets(asking("second", "main:1")); !strings.Contains(got, "the device is dirty") {
		t.Errorf("when the plugin refuses, the pod gets %s", got)
	}
	if v.fails = nil; b.gets(asking("third", "main:1")) != "main a" {
		t.Error("a device that the plugin did not give is taken")
	}
}

func TestAPodIsToldHowItsDevicesAre(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := &vendor{}
	b.plug(v, "v.sock", "a b c")
	pod := asking("pod", "main:2")
	b.gets(pod)
	health := func() string {
		var got []string
		for _, s := range b.Health(pod)["main"] {
			for _, r := range s.Resources {
				got = append(got, fmt.Sprintf("%s %s %s", s.Name, r.ResourceID, r.Health))
			}
		}
		return strings.Join(got, ", ")
	}
	if got := health(); got != "example.com/gpu a Healthy, example.com/gpu b Healthy" {
		t.Errorf("at first they are %s", got)
	}
	b.tell(v, "a b! c!")
	if uid := <-b.changed; uid != "pod" || len(b.changed) > 0 {
		t.Errorf("pod %s is told, and %d more", uid, len(b.changed))
	}
	if got := health(); got != "example.com/gpu a Healthy, example.com/gpu b Unhealthy" {
		t.Errorf("when one of them is not healthy they are %s", got)
	}
}

func TestWhatIsNoPluginIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, test := range map[string]struct{ version, endpoint, resource, want string }{
		"of another version":            {"v1alpha1", "v.sock", gpu, `requested API version "v1alpha1" is not supported by kubelet. Supported version is ["v1beta1"]`},
		"of a resource that cannot be":  {"v1beta1", "v.sock", "gpu", `the ResourceName "gpu" is invalid`},
		"at a socket somewhere else":    {"v1beta1", "../v.sock", gpu, "is not the name of a socket"},
		"at a socket that is not there": {"v1beta1", "none.sock", gpu, "failed to get device plugin options"},
	} {
		if err := b.register(test.version, test.endpoint, test.resource); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("one %s: %v, want %s", name, err, test.want)
		}
	}
	for name, p := range map[string]plugins.Plugin{
		"manager version, v1beta1, is not among plugin supported versions [v1]":   {Name: gpu, Versions: []string{"v1"}},
		`invalid name of device plugin socket: the ResourceName "gpu" is invalid`: {Name: "gpu", Versions: []string{"v1beta1"}},
	} {
		if err := b.Handler().Register(t.Context(), p); err == nil || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

// The other way for plugins to register is by a socket in the directory for those of all types.
func TestAPluginThatIsFoundByItsSocketIsUsed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := &vendor{lists: make(chan []*pluginapi.Device, 1)}
	socket := filepath.Join(b.Root, "found.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pluginapi.RegisterDevicePluginServer(server, v)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	p := plugins.Plugin{Type: "DevicePlugin", Name: gpu, Endpoint: socket, Versions: []string{"v1beta1"}}
	if err := b.Handler().Register(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	b.tell(v, "a")
	b.has("1, 1 allocatable")
	if err := b.Handler().Deregister(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	b.has("1, 0 allocatable")
}

func TestOfTwoPluginsThatWantDifferentThingsTheFirstHasIt(t *testing.T) {
	config := &runtimeapi.ContainerConfig{
		Envs:        []*runtimeapi.KeyValue{{Key: "OWN", Value: []byte("pod")}},
		Annotations: map[string]string{"own": "pod"},
		Mounts:      []*runtimeapi.Mount{{ContainerPath: "/own"}},
		Devices:     []*runtimeapi.Device{{ContainerPath: "/dev/own"}},
	}
	apply([]*pluginapi.ContainerAllocateResponse{
		{
			Envs: map[string]string{"A": "1", "OWN": "plugin"}, Annotations: map[string]string{"a": "1", "own": "plugin"},
			Mounts:     []*pluginapi.Mount{{ContainerPath: "/lib", HostPath: "/lib1", ReadOnly: true}},
			Devices:    []*pluginapi.DeviceSpec{{ContainerPath: "/dev/a", HostPath: "/dev/a1", Permissions: "rw"}},
			CdiDevices: []*pluginapi.CDIDevice{{Name: "example.com/gpu=a"}},
		},
		{
			Envs: map[string]string{"A": "2", "B": "2"}, Annotations: map[string]string{"a": "2", "b": "2"},
			Mounts:     []*pluginapi.Mount{{ContainerPath: "/lib", HostPath: "/lib2"}, {ContainerPath: "/more", HostPath: "/more2"}},
			Devices:    []*pluginapi.DeviceSpec{{ContainerPath: "/dev/a", HostPath: "/dev/a2"}, {ContainerPath: "/dev/b", HostPath: "/dev/b2", Permissions: "r"}},
			CdiDevices: []*pluginapi.CDIDevice{{Name: "example.com/gpu=a"}, {Name: "example.com/gpu=b"}},
		},
	}, config)
	var got []string
	for _, e := range config.Envs {
		got = append(got, e.Key+"="+string(e.Value))
	}
	for _, m := range config.Mounts {
		got = append(got, fmt.Sprintf("%s:%s:%v", m.ContainerPath, m.HostPath, m.Readonly))
	}
	for _, d := range config.Devices {
		got = append(got, d.ContainerPath+":"+d.HostPath+":"+d.Permissions)
	}
	for _, d := range config.CDIDevices {
		got = append(got, d.Name)
	}
	want := "A=1 OWN=plugin B=2 OWN=pod /lib:/lib1:true /more:/more2:false /own::false /dev/a:/dev/a1:rw /dev/b:/dev/b2:r /dev/own:: example.com/gpu=a example.com/gpu=b"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("it is made with\n  %s, want\n  %s", text, want)
	}
	if text := fmt.Sprint(config.Annotations); text != "map[a:1 b:2 own:pod]" {
		t.Errorf("its annotations are %s", text)
	}
}
