package cgroups

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func container(cpu, memory string, sidecar ...bool) corev1.Container {
	c := corev1.Container{}
	c.Resources.Requests, c.Resources.Limits = corev1.ResourceList{}, corev1.ResourceList{}
	for name, value := range map[corev1.ResourceName]string{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory} {
		if value != "" {
			c.Resources.Requests[name], c.Resources.Limits[name] = resource.MustParse(value), resource.MustParse(value)
		}
	}
	if len(sidecar) > 0 {
		c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	}
	return c
}

func TestLimitsOfAPod(t *testing.T) {
	for _, test := range []struct {
		name      string
		init, app []corev1.Container
		want      Limits
	}{
		{"one that asks for nothing", nil, []corev1.Container{{}}, Limits{Shares: 2}},
		{"containers together", nil, []corev1.Container{container("250m", "64Mi"), container("250m", "64Mi")}, Limits{Shares: 512, Quota: 50000, Period: 100000, Memory: 128 << 20}},
		{"no limit where one container has none", nil, []corev1.Container{container("500m", "64Mi"), container("", "64Mi")}, Limits{Shares: 512, Memory: 128 << 20}},
		{"an init container that needs more", []corev1.Container{container("2", "1Gi")}, []corev1.Container{container("1", "64Mi")}, Limits{Shares: 2048, Quota: 200000, Period: 100000, Memory: 1 << 30}},
		{"a sidecar beside the containers", []corev1.Container{container("1", "64Mi", true)}, []corev1.Container{container("1", "64Mi")}, Limits{Shares: 2048, Quota: 200000, Period: 100000, Memory: 128 << 20}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Of(&corev1.PodSpec{InitContainers: test.init, Containers: test.app}); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestThePodsOwnResourcesCount(t *testing.T) {
	own := func(cpu, memory string) *corev1.ResourceRequirements {
		c := container(cpu, memory)
		return &c.Resources
	}
	for _, test := range []struct {
		name string
		spec corev1.PodSpec
		want Limits
		path string
	}{
		{"a limit of memory", corev1.PodSpec{Resources: own("", "48Mi"), Containers: []corev1.Container{{}}},
			Limits{Shares: 2, Memory: 48 << 20}, "/burstable/pod"},
		{"limits of both", corev1.PodSpec{Resources: own("500m", "48Mi"), Containers: []corev1.Container{{}}},
			Limits{Shares: 512, Quota: 50000, Period: 100000, Memory: 48 << 20}, "/pod"},
		{"less than its containers' limits", corev1.PodSpec{Resources: own("", "48Mi"), Containers: []corev1.Container{container("", "64Mi")}},
			Limits{Shares: 2, Memory: 48 << 20}, "/burstable/pod"},
		{"with the overhead of its runtime", corev1.PodSpec{
			Containers: []corev1.Container{container("500m", "64Mi")}, Overhead: container("250m", "16Mi").Resources.Limits,
		}, Limits{Shares: 768, Quota: 75000, Period: 100000, Memory: 80 << 20}, "/pod"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Of(&test.spec); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if got := Path("", &corev1.Pod{Spec: test.spec}); got != test.path {
				t.Errorf("the group is %s, want %s", got, test.path)
			}
		})
	}
}

func TestOOMScoreAdjust(t *testing.T) {
	const gib = 1 << 30
	for _, test := range []struct {
		class         corev1.PodQOSClass
		request, want int64
	}{
		{corev1.PodQOSGuaranteed, gib, -997}, {corev1.PodQOSBestEffort, 0, 1000},
		{corev1.PodQOSBurstable, 0, 999}, {corev1.PodQOSBurstable, gib, 750}, {corev1.PodQOSBurstable, 4 * gib, 3},
	} {
		if got := OOMScoreAdjust(test.class, test.request, 4*gib); got != test.want {
			t.Errorf("%s with %d bytes has %d, want %d", test.class, test.request, got, test.want)
		}
	}
}

func TestPathsAreTheKubelets(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "x"}}
	for want, c := range map[string]corev1.Container{
		"/root/besteffort/podx": {}, "/root/podx": container("1", "1Gi"), "/root/burstable/podx": container("1", ""),
	} {
		pod.Spec.Containers = []corev1.Container{c}
		if got := Path("/root", pod); got != want {
			t.Errorf("the path is %s, want %s", got, want)
		}
	}
}

// TestGroupsAreMadeAndRemoved works on the kernel's own file system, in a group of its own.
func TestGroupsAreMadeAndRemoved(t *testing.T) {
	const mount = "/sys/fs/cgroup"
	if os.Geteuid() != 0 {
		t.Skip("making control groups needs root")
	}
	root := "/orrery-cgroups-test-" + strings.ReplaceAll(t.Name(), "/", "-")
	fs, err := Open(mount, root)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, top := range fs.hierarchies() {
			if err := removeAll(filepath.Join(top, root)); err != nil {
				t.Error(err)
			}
		}
	}()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "x"}}
	pod.Spec.Containers = []corev1.Container{container("250m", "64Mi")}
	path := Path(root, pod)
	for range 2 { // again changes nothing
		if err := fs.Create(path, Of(&pod.Spec)); err != nil {
			t.Fatal(err)
		}
	}
	file, want := filepath.Join(mount, "memory", path, "memory.limit_in_bytes"), "67108864"
	if fs.V2 {
		file = filepath.Join(mount, path, "memory.max")
	}
	if got, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("%s is %q (%v), want %s", file, got, err, want)
	}
	left := exec.Command("sleep", "60")
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(filepath.Dir(file), "container")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(inner, "cgroup.procs"), []byte(strconv.Itoa(left.Process.Pid)), 0o644); err != nil {
		t.Fatal(err)
	}
	err = fs.Remove("x")
	if ended := left.Wait(); ended == nil || ended.Error() != "signal: killed" { // it would last for a minute
		t.Errorf("what is left in the group ended with %v, want it killed", ended)
	}
	if err != nil && !errors.Is(err, syscall.EBUSY) {
		t.Error(err)
	}
	if err := fs.Remove("x"); err != nil {
		t.Fatal(err)
	}
	for _, top := range fs.hierarchies() {
		if _, err := os.Stat(filepath.Join(top, path)); !os.IsNotExist(err) {
			t.Errorf("the group is left in %s (%v)", top, err)
		}
	}
}
