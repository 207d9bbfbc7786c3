package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/pods"
)

func containerOf(restarts int32) pods.ContainerOf {
	return pods.ContainerOf{Restarts: restarts, Image: "sha256:1", IPs: []string{"10.0.0.1"}}
}

func noServices(context.Context, string) ([]*corev1.Service, error) { return nil, nil }

func newHost(t *testing.T) *Host {
	t.Helper()
	return New(Options{
		RootDir: t.TempDir(), ResolvConf: "/nowhere", Volumes: plainVolumes{}, HostIPs: func() []string { return []string{"192.0.2.1"} },
		Services: noServices, Capacity: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")},
	})
}

func TestWhatTheRuntimeIsToldAboutAContainer(t *testing.T) {
	h := newHost(t)
	p := pod(func(p *corev1.Pod) {
		p.Spec.TerminationGracePeriodSeconds = ptr.To[int64](7)
		p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		c := &p.Spec.Containers[0]
		c.Command, c.Args = []string{"run", "$(WHERE)"}, []string{"$(NOBODY)"}
		c.Env = []corev1.EnvVar{
			{Name: "WHERE", Value: "here"},
			{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
			{Name: "NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.hostIP"}}},
		}
		c.VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "data", MountPropagation: ptr.To(corev1.MountPropagationBidirectional)}}
		c.TerminationMessagePath = "/dev/termination-log"
		c.Lifecycle = &corev1.Lifecycle{
			PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 1}}, StopSignal: ptr.To(corev1.SIGUSR1),
		}
		c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
		c.Resources.Requests = c.Resources.Limits
	})
	if err := h.Prepare(t.Context(), p, cgroups.Of(&p.Spec), nil); err != nil {
		t.Fatal(err)
	}
	got, err := h.Container(t.Context(), p, &p.Spec.Containers[0], containerOf(3))
	if err != nil {
		t.Fatal(err)
	}
	if got.Metadata.Name != "main" || got.Metadata.Attempt != 3 || got.Image.Image != "sha256:1" || got.Image.UserSpecifiedImage != "image:1" || got.LogPath != "main/3.log" {
		t.Errorf("the container is %v of %v, and logs to %s", got.Metadata, got.Image, got.LogPath)
	}
	if !slices.Equal(got.Command, []string{"run", "here"}) || !slices.Equal(got.Args, []string{"$(NOBODY)"}) {
		t.Errorf("it runs %q %q", got.Command, got.Args)
	}
	var env []string
	for _, v := range got.Envs {
		env = append(env, v.Key+"="+string(v.Value))
	}
	for _, want := range []string{"WHERE=here", "IP=10.0.0.1", "NODE=192.0.2.1"} {
		if !slices.Contains(env, want) {
			t.Errorf("the environment is %q, want in it %s", env, want)
		}
	}
	var mounts []string
	for _, m := range got.Mounts {
		inside, _ := filepath.Rel(h.podDir(p), m.HostPath)
		mounts = append(mounts, fmt.Sprintf("%s from %s %s", m.ContainerPath, inside, m.Propagation))
	}
	want := []string{
		"/data from data PROPAGATION_BIDIRECTIONAL", "/etc/hosts from etc-hosts PROPAGATION_PRIVATE",
		"/dev/termination-log from containers/main/termination-log-3 PROPAGATION_PRIVATE",
	}
	if !slices.Equal(mounts, want) {
		t.Errorf("the mounts are %q, want %q", mounts, want)
	}
	for key, value := range map[string]string{
		cri.AnnotationRestartCount: "3", cri.AnnotationTerminationGracePeriod: "7", cri.AnnotationPreStop: `{"sleep":{"seconds":1}}`,
		cri.AnnotationTerminationMessagePath: "/dev/termination-log", cri.AnnotationHash: pods.Hash(&p.Spec.Containers[0]),
	} {
		if got.Annotations[key] != value {
			t.Errorf("annotation %s is %q, want %q", key, got.Annotations[key], value)
		}
	}
	if got.StopSignal != runtimeapi.Signal_SIGNAL_SIGUSR1 {
		t.Errorf("it is stopped by %s", got.StopSignal)
	}
	if r := got.Linux.Resources; r.CpuShares != 512 || r.CpuQuota != 50000 || r.CpuPeriod != 100000 || r.MemoryLimitInBytes != 64<<20 || r.OomScoreAdj != -997 {
		t.Errorf("the resources are %+v", r)
	}
}

func TestAContainerThatCannotBeConfiguredSaysWhy(t *testing.T) {
	h := newHost(t)
	for name, test := range map[string]struct {
		change   func(*corev1.Pod)
		services func(context.Context, string) ([]*corev1.Service, error)
		want     string
	}{
		"a volume that is not there": {change: func(p *corev1.Pod) {
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "no", MountPath: "/no"}}
		}, want: `cannot find volume "no" to mount into container "main"`},
		"a sub-path that leads out": {change: func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "v"}}
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/v", SubPath: "../x"}}
		}, want: `failed to prepare subPath for volumeMount "v" of container "main"`},
		"root where that is forbidden": {change: func(p *corev1.Pod) {
			p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](0)}
		}, want: `container's runAsUser breaks non-root policy (pod: "web_shop(uid)", container: main)`},
		"services that cannot be read": {services: func(context.Context, string) ([]*corev1.Service, error) {
			return nil, errors.New("away")
		}, want: "listing services of namespace shop: away"},
	} {
		p := pod(test.change)
		h.Services = noServices
		if test.services != nil {
			h.Services = test.services
		}
		if err := h.Prepare(t.Context(), p, cgroups.Of(&p.Spec), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Container(t.Context(), p, &p.Spec.Containers[0], containerOf(0)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestWhatTheRuntimeIsToldAboutASandbox(t *testing.T) {
	h := newHost(t)
	h.CgroupRoot = "/orrery"
	h.HandlerOf = func(_ context.Context, class string) (string, error) { return "handler of " + class, nil }
	p := pod(func(p *corev1.Pod) {
		p.Spec.RuntimeClassName = ptr.To("kata")
		p.Spec.ShareProcessNamespace = ptr.To(true)
		p.Spec.HostIPC = true
		p.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "net/ipv4/ip_forward", Value: "1"}}}
	})
	got, err := h.Sandbox(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := h.RuntimeHandler(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if handler != "handler of kata" || got.Hostname != "web" || got.Linux.CgroupParent != "/orrery/besteffort/poduid" || got.Linux.Sysctls["net.ipv4.ip_forward"] != "1" {
		t.Errorf("the sandbox is %+v by %q", got, handler)
	}
	if got.Labels["app"] != "web" || got.Labels[cri.LabelPodUID] != "uid" || got.LogDirectory != filepath.Join(h.RootDir, "logs", "shop_web_uid") {
		t.Errorf("the sandbox is %+v", got)
	}
	n := got.Linux.SecurityContext.NamespaceOptions
	if n.Network != runtimeapi.NamespaceMode_POD || n.Pid != runtimeapi.NamespaceMode_POD || n.Ipc != runtimeapi.NamespaceMode_NODE {
		t.Errorf("the namespaces are %+v", n)
	}
}

func TestAnEphemeralContainerSeesTheProcessesOfItsTarget(t *testing.T) {
	h := newHost(t)
	of := containerOf(0)
	of.Target = "id"
	for name, test := range map[string]struct {
		shared *bool
		want   runtimeapi.NamespaceMode
	}{
		"of its own": {nil, runtimeapi.NamespaceMode_TARGET}, "shared by the pod": {ptr.To(true), runtimeapi.NamespaceMode_POD},
	} {
		p := pod(func(p *corev1.Pod) { p.Spec.ShareProcessNamespace = test.shared })
		if err := h.Prepare(t.Context(), p, cgroups.Of(&p.Spec), nil); err != nil {
			t.Fatal(err)
		}
		got, err := h.Container(t.Context(), p, &corev1.Container{Name: "debugger"}, of)
		if err != nil {
			t.Fatal(err)
		}
		if n := got.Linux.SecurityContext.NamespaceOptions; n.Pid != test.want || (n.Pid == runtimeapi.NamespaceMode_TARGET) != (n.TargetId == "id") {
			t.Errorf("with processes %s the namespaces are %+v", name, n)
		}
	}
}

func TestTheNameOfAPodsMachine(t *testing.T) {
	h := New(Options{})
	for _, test := range []struct {
		name string
		spec corev1.PodSpec
		want string
		err  string
	}{
		{"is the pod's", corev1.PodSpec{}, "web", ""},
		{"is its hostname", corev1.PodSpec{Hostname: "host", Subdomain: "sub"}, "host", ""},
		{"is all of its name if it wants that", corev1.PodSpec{Subdomain: "sub", SetHostnameAsFQDN: ptr.To(true)}, "web.sub.shop.svc.cluster.local", ""},
		{"is its hostname where there is no more of it", corev1.PodSpec{SetHostnameAsFQDN: ptr.To(true)}, "web", ""},
		{"is too long", corev1.PodSpec{Hostname: strings.Repeat("h", 40), Subdomain: "sub", SetHostnameAsFQDN: ptr.To(true)}, "", "is too long (64 characters is the max, 67 characters requested)"},
		{"is what replaces it", corev1.PodSpec{Subdomain: "sub", HostnameOverride: ptr.To("a.b.c"), SetHostnameAsFQDN: ptr.To(true)}, "a.b.c", ""},
	} {
		p := pod(func(p *corev1.Pod) { test.spec.DeepCopyInto(&p.Spec) })
		got, err := h.nodename(p)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.HasSuffix(err.Error(), test.err) {
			t.Errorf("the name %s: %q (%v), want %q", test.name, got, err, test.want)
		}
	}
}

func TestProfiles(t *testing.T) {
	localhost := ptr.To("profiles/one.json")
	for _, test := range []struct {
		name       string
		options    Options
		seccomp    *corev1.SeccompProfile
		privileged bool
		want       runtimeapi.SecurityProfile_ProfileType
		file       string
	}{
		{"none is asked for", Options{}, nil, false, runtimeapi.SecurityProfile_Unconfined, ""},
		{"none is asked for, and there is a default", Options{SeccompDefault: true}, nil, false, runtimeapi.SecurityProfile_RuntimeDefault, ""},
		{"a privileged container", Options{SeccompDefault: true}, nil, true, runtimeapi.SecurityProfile_Unconfined, ""},
		{"none at all is asked for", Options{SeccompDefault: true}, &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}, false, runtimeapi.SecurityProfile_Unconfined, ""},
		{"the runtime's", Options{}, &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, false, runtimeapi.SecurityProfile_RuntimeDefault, ""},
		{"one of the node's", Options{RootDir: "/root"}, &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: localhost}, false,
			runtimeapi.SecurityProfile_Localhost, "/root/seccomp/profiles/one.json"},
	} {
		got := New(test.options).seccomp(test.seccomp, test.privileged)
		if got.ProfileType != test.want || got.LocalhostRef != test.file {
			t.Errorf("%s: got %s %q, want %s %q", test.name, got.ProfileType, got.LocalhostRef, test.want, test.file)
		}
	}
	asked := &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeLocalhost, LocalhostProfile: ptr.To("profile")}
	if _, err := New(Options{RootDir: "/root"}).apparmor(asked, false); err == nil {
		t.Error("a kernel without AppArmor is to hold a profile of it")
	}
	if got, err := New(Options{RootDir: "/root", AppArmor: true}).apparmor(asked, false); err != nil || got.LocalhostRef != "profile" {
		t.Errorf("the profile is %v (%v)", got, err)
	}
}
