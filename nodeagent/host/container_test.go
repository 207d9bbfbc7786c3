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
		c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 1}}}
		c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
		c.Resources.Requests = c.Resources.Limits
	})
	if err := h.Prepare(t.Context(), p, nil); err != nil {
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
		if err := h.Prepare(t.Context(), p, nil); err != nil {
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
	got, handler, err := h.Sandbox(t.Context(), pod(func(p *corev1.Pod) {
		p.Spec.RuntimeClassName = ptr.To("kata")
		p.Spec.ShareProcessNamespace = ptr.To(true)
		p.Spec.HostIPC = true
		p.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "net/ipv4/ip_forward", Value: "1"}}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if handler != "kata" || got.Hostname != "web" || got.Linux.CgroupParent != "/orrery/besteffort/poduid" || got.Linux.Sysctls["net.ipv4.ip_forward"] != "1" {
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
