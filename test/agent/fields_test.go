package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/internal/await"
)

// obeyed: what the Pod API says reaches the kernel.
func (w *cluster) obeyed(t *testing.T) {
	p := w.in(t)
	profiles := filepath.Join(p.options.RootDir, "seccomp")
	if err := os.MkdirAll(profiles, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profiles, "all.json"), []byte(`{"defaultAction":"SCMP_ACT_ALLOW"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	p.create("obeyed", func(pod *corev1.Pod) {
		pod.Spec.OS = &corev1.PodOS{Name: corev1.Linux}
		pod.Spec.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("48Mi")}}
		pod.Spec.Subdomain, pod.Spec.SetHostnameAsFQDN = "sub", ptr.To(true)
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: ptr.To("all.json")},
			Sysctls:        []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "7"}},
		}
		pod.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{StopSignal: ptr.To(corev1.SIGUSR1)}
	})
	pod := p.ready("obeyed")
	if pod.Status.QOSClass != corev1.PodQOSBurstable {
		t.Errorf("the pod is %s", pod.Status.QOSClass)
	}
	limit := filepath.Join("/sys/fs/cgroup/memory", p.options.CgroupRoot, "burstable", "pod"+string(pod.UID), "memory.limit_in_bytes")
	if _, v2 := os.Stat("/sys/fs/cgroup/cgroup.controllers"); v2 == nil {
		limit = filepath.Join("/sys/fs/cgroup", p.options.CgroupRoot, "burstable", "pod"+string(pod.UID), "memory.max")
	}
	if bytes, err := os.ReadFile(limit); err != nil || strings.TrimSpace(string(bytes)) != fmt.Sprint(48<<20) {
		t.Errorf("the pod's limit is %q (%v)", bytes, err)
	}
	asked := ptr.Deref(pod.Spec.Containers[0].Lifecycle, corev1.Lifecycle{}).StopSignal // nil where the API server has the feature turned off
	if signal := ptr.Deref(pod.Status.ContainerStatuses[0].StopSignal, "nobody knows what"); signal != ptr.Deref(asked, corev1.SIGTERM) {
		t.Errorf("it is stopped by %s", signal)
	}
	for file, want := range map[string]string{
		"/proc/sys/kernel/hostname": "obeyed.sub.default.svc.cluster.local", "/proc/sys/net/ipv4/ip_unprivileged_port_start": "7",
		"/proc/self/status": "Seccomp:\t2",
	} {
		if out, err := p.exec("obeyed", "/web", "cat", file); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s is %q (%v), want %q", file, out, err, want)
		}
	}
	pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{
		TargetContainerName: "web", EphemeralContainerCommon: corev1.EphemeralContainerCommon{
			Name: "debugger", Image: image, Command: []string{"/web", "cat", "/proc/1/cmdline"},
		},
	}}
	if _, err := p.client.CoreV1().Pods("default").UpdateEphemeralContainers(t.Context(), "obeyed", pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "the ephemeral container sees the process of its target", func() error {
		log, err := p.log("obeyed", &corev1.PodLogOptions{Container: "debugger"})
		if err == nil && (!strings.HasPrefix(log, "/web") || strings.Contains(log, "cmdline")) {
			err = fmt.Errorf("it sees %q", log)
		}
		return err
	})
	p.remove("obeyed")
}

// ownUsers: a pod with users of its own is root to itself and nobody to the host, can read what is mounted, and keeps its users when
// the agent is started anew. What is mounted below a volume is read-only with it.
func (w *cluster) ownUsers(t *testing.T) {
	p := w.in(t)
	p.create("namespaced", func(pod *corev1.Pod) {
		pod.Spec.HostUsers = ptr.To(false)
		pod.Annotations = map[string]string{"told": "to itself"}
		pod.Spec.Volumes = []corev1.Volume{
			{Name: "empty", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "told", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
				DefaultMode: ptr.To[int32](0o400),
				Items:       []corev1.DownwardAPIVolumeFile{{Path: "told", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['told']"}}},
			}}},
		}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{
			{Name: "empty", MountPath: "/empty", ReadOnly: true, RecursiveReadOnly: ptr.To(corev1.RecursiveReadOnlyIfPossible)}, {Name: "told", MountPath: "/told"},
		}
	})
	pod := p.ready("namespaced")
	users := func() string {
		out, err := p.exec("namespaced", "/web", "cat", "/proc/self/uid_map")
		if fields := strings.Fields(out); err != nil || len(fields) != 3 || fields[0] != "0" || fields[1] == "0" || fields[2] != "65536" {
			t.Errorf("its users are %q (%v)", out, err)
		}
		return out
	}
	before := users()
	if out, err := p.exec("namespaced", "/web", "cat", "/told/told"); err != nil || out != "to itself" {
		t.Errorf("a file that its root alone may read is %q (%v)", out, err)
	}
	if mode := pod.Status.ContainerStatuses[0].VolumeMounts[0].RecursiveReadOnly; mode == nil || *mode != corev1.RecursiveReadOnlyEnabled {
		t.Errorf("its volume is read-only with all below it: %v", mode)
	}
	w.stopAgent()
	w.startAgent()
	if after := users(); after != before {
		t.Errorf("after a restart of the agent its users are %q, and were %q", after, before)
	}
	p.remove("namespaced")
}

// notObeyed: what the node does not obey, it refuses, and says why where kubectl shows it.
func (w *cluster) notObeyed(t *testing.T) {
	p := w.in(t)
	for name, test := range map[string]struct {
		change  func(*corev1.Pod)
		reason  string
		message string
	}{
		"paging": {func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"hugepages-64Ki": resource.MustParse("64Ki"), "memory": resource.MustParse("32Mi")}
		}, "OutOfhugepages-64Ki", "Node didn't have enough resource: hugepages-64Ki, requested: 65536, used: 0, capacity: 0"},
		"unsafe": {func(pod *corev1.Pod) {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "kernel.msgmax", Value: "65536"}}}
		}, "SysctlForbidden", `forbidden sysctl: "kernel.msgmax" not allowlisted`},
	} {
		p.create(name, test.change)
		pod := p.phase(name, corev1.PodFailed)
		if pod.Status.Reason != test.reason || pod.Status.Message != "Pod was rejected: "+test.message || len(pod.Status.ContainerStatuses) > 0 {
			t.Errorf("%s is %+v", name, pod.Status)
		}
		p.remove(name)
	}
}

// advertised: an extended resource that somebody else says the node has stays, through updates of the node's status.
func (w *cluster) advertised(t *testing.T) {
	p := w.in(t)
	nodes := p.client.CoreV1().Nodes()
	three := []byte(`{"status":{"capacity":{"example.com/foo":"3"}}}`)
	if _, err := nodes.Patch(t.Context(), nodeName, types.MergePatchType, three, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "what was advertised can be allocated", func() error {
		node, err := nodes.Get(t.Context(), nodeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if foo := node.Status.Allocatable["example.com/foo"]; foo.Value() != 3 {
			return fmt.Errorf("the node has %v", node.Status.Allocatable)
		}
		return nil
	})
	if node, err := nodes.Get(t.Context(), nodeName, metav1.GetOptions{}); err != nil || node.Status.Capacity.Name("example.com/foo", resource.DecimalSI).Value() != 3 {
		t.Errorf("its capacity is %v (%v)", node.Status.Capacity, err)
	}
}
