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

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/nodeagent/cgroups"
)

// sized gives the container of a pod requests and limits.
func sized(cpu, memory string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		list := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
		pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: list, Limits: list.DeepCopy()}
	}
}

// resize asks for other requests and limits, as kubectl patch --subresource resize does.
func (w *cluster) resize(name, cpu, memory string) {
	w.t.Helper()
	patch := fmt.Sprintf(`{"spec":{"containers":[{"name":"web","resources":{"limits":{"cpu":%q,"memory":%q},"requests":{"cpu":%[1]q,"memory":%[2]q}}}]}}`, cpu, memory)
	_, err := w.client.CoreV1().Pods("default").Patch(w.t.Context(), name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "resize")
	if err != nil {
		w.t.Fatal(err)
	}
}

// limits are the memory limit and the CPU quota that the kernel has for a group, as it writes them.
func limits(t *testing.T, group string) string {
	t.Helper()
	const mount = "/sys/fs/cgroup"
	files := []string{filepath.Join(mount, "memory", group, "memory.limit_in_bytes"), filepath.Join(mount, "cpu", group, "cpu.cfs_quota_us")}
	if _, err := os.Stat(filepath.Join(mount, "cgroup.controllers")); err == nil {
		files = []string{filepath.Join(mount, group, "memory.max"), filepath.Join(mount, group, "cpu.max")}
	}
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		first, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
		all = append(all, first)
	}
	return strings.Join(all, " ")
}

// settled waits until the pod says that it has what it asks for, and compares that with what the kernel has.
func (w *cluster) settled(name, cpu, memory, kernel string) *corev1.Pod {
	w.t.Helper()
	var pod *corev1.Pod
	await.Success(w.t, "the pod has what it asks for", func() error {
		pod = w.get(name)
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodResizePending || c.Type == corev1.PodResizeInProgress {
				return fmt.Errorf("it says %+v", c)
			}
		}
		c := pod.Status.ContainerStatuses[0]
		if c.Resources == nil || c.Resources.Limits.Cpu().String() != cpu || c.Resources.Limits.Memory().String() != memory || c.AllocatedResources.Memory().String() != memory || c.State.Running == nil {
			return fmt.Errorf("its container is %+v", c)
		}
		return nil
	})
	group := cgroups.Path(w.options.CgroupRoot, pod)
	_, id, _ := strings.Cut(pod.Status.ContainerStatuses[0].ContainerID, "://")
	for what, path := range map[string]string{"its group": group, "its container": filepath.Join(group, id)} {
		if got := limits(w.t, path); got != kernel {
			w.t.Errorf("%s has %s, want %s", what, got, kernel)
		}
	}
	return pod
}

func (w *cluster) resized(t *testing.T) {
	p := w.in(t)
	p.create("resized", sized("100m", "64Mi"))
	p.ready("resized")
	id := p.settled("resized", "100m", "64Mi", "67108864 10000").Status.ContainerStatuses[0].ContainerID
	p.resize("resized", "200m", "96Mi")
	p.settled("resized", "200m", "96Mi", "100663296 20000")
	p.resize("resized", "50m", "64Mi")
	pod := p.settled("resized", "50m", "64Mi", "67108864 5000")
	if got := pod.Status.ContainerStatuses[0]; got.ContainerID != id || got.RestartCount != 0 {
		t.Errorf("the container is another one: %+v", got)
	}
	p.remove("resized")
}

// deferred: a pod that asks for what the node has not got beside others gets it when one of them goes.
func (w *cluster) deferred(t *testing.T) {
	p := w.in(t)
	nodes, err := p.client.CoreV1().Nodes().Get(t.Context(), nodeName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	most := nodes.Status.Allocatable.Cpu().MilliValue() - 300
	p.create("large", sized(fmt.Sprintf("%dm", most), "64Mi"))
	p.create("waits", sized("100m", "64Mi"))
	p.ready("large")
	p.ready("waits")
	p.resize("waits", "400m", "64Mi")
	want := fmt.Sprintf("Node didn't have enough resource: cpu, requested: 400, used: %d, capacity: %d", most, most+300)
	await.Success(t, "the pod says that there is no room", func() error {
		for _, c := range p.get("waits").Status.Conditions {
			if c.Type == corev1.PodResizePending && c.Reason == corev1.PodReasonDeferred && c.Message == want {
				return nil
			}
		}
		return fmt.Errorf("it says %+v", p.get("waits").Status.Conditions)
	})
	p.remove("large")
	p.settled("waits", "400m", "64Mi", "67108864 40000")
	p.remove("waits")
}

func (w *cluster) resizedByRestart(t *testing.T) {
	p := w.in(t)
	p.create("renewed", func(pod *corev1.Pod) {
		sized("200m", "64Mi")(pod)
		pod.Spec.Containers[0].ResizePolicy = []corev1.ContainerResizePolicy{{ResourceName: corev1.ResourceCPU, RestartPolicy: corev1.RestartContainer}}
	})
	p.ready("renewed")
	p.resize("renewed", "100m", "64Mi")
	if pod := p.settled("renewed", "100m", "64Mi", "67108864 10000"); pod.Status.ContainerStatuses[0].RestartCount != 1 {
		t.Errorf("its container was started anew %d times, want once", pod.Status.ContainerStatuses[0].RestartCount)
	}
	p.remove("renewed")
}

func (w *cluster) inUse(t *testing.T) {
	p := w.in(t)
	p.create("full", sized("100m", "64Mi"))
	p.ready("full")
	p.resize("full", "100m", "1Mi")
	await.Success(t, "the pod says that its memory is in use", func() error {
		for _, c := range p.get("full").Status.Conditions {
			if c.Type == corev1.PodResizeInProgress && c.Reason == corev1.PodReasonError && strings.HasPrefix(c.Message, "cannot decrease memory limits: ") {
				return nil
			}
		}
		return fmt.Errorf("it says %+v", p.get("full").Status.Conditions)
	})
	p.resize("full", "100m", "64Mi")
	p.settled("full", "100m", "64Mi", "67108864 10000")
	p.remove("full")
}

// resizedMeanwhile: what was allocated is not forgotten with the agent, whether it was made true or not.
func (w *cluster) resizedMeanwhile(t *testing.T) {
	p := w.in(t)
	p.create("kept", sized("100m", "64Mi"))
	p.ready("kept")
	p.resize("kept", "200m", "96Mi")
	w.stopAgent()
	w.startAgent()
	p.settled("kept", "200m", "96Mi", "100663296 20000")
	w.stopAgent()
	p.resize("kept", "100m", "64Mi")
	w.startAgent()
	if pod := p.settled("kept", "100m", "64Mi", "67108864 10000"); pod.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("its container was started anew")
	}
	p.remove("kept")
}
