package stats

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"
)

// disk has each volume, and the logs of each container, in a directory of its name.
type disk string

func (d disk) VolumePath(_ *corev1.Pod, volume *corev1.Volume) string {
	return filepath.Join(string(d), volume.Name)
}

func (d disk) ContainerLogs(_ *corev1.Pod, container string) string {
	return filepath.Join(string(d), "logs", container)
}

// fill writes a file of some kilobytes.
func (d disk) fill(t *testing.T, file string, kilobytes int) {
	t.Helper()
	path := filepath.Join(string(d), file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, kilobytes<<10), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSummaryTellsWhatIsOnTheDisk(t *testing.T) {
	n, d := newNode(t), disk(t.TempDir())
	n.run("web", nil, "web")
	n.pods[0].Spec.Volumes = []corev1.Volume{
		{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: "memory", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}},
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}},
	}
	d.fill(t, "logs/web/0.log", 100)
	d.fill(t, "scratch/a/b", 300)
	d.fill(t, "memory/c", 500)
	p := n.provider()
	p.Disk, p.Root = d, string(d)
	summary, err := p.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if fs := summary.Node.Fs; fs == nil || *fs.CapacityBytes == 0 || *fs.UsedBytes > *fs.CapacityBytes {
		t.Errorf("the node's file system is %+v", fs)
	}
	pod := summary.Pods[0]
	within := func(what string, fs *statsv1alpha1.FsStats, kilobytes uint64) {
		t.Helper()
		if fs == nil || *fs.UsedBytes < kilobytes<<10 || *fs.UsedBytes > (kilobytes+64)<<10 || *fs.CapacityBytes == 0 {
			t.Errorf("%s is %+v, want about %d kilobytes", what, fs, kilobytes)
		}
	}
	within("the log", pod.Containers[0].Logs, 100)
	if len(pod.VolumeStats) != 2 || pod.VolumeStats[0].Name != "scratch" || pod.VolumeStats[1].Name != "memory" {
		t.Fatalf("volumes %+v, want those that are the pod's own", pod.VolumeStats)
	}
	within("the volume on the disk", &pod.VolumeStats[0].FsStats, 300)
	within("the volume in memory", &pod.VolumeStats[1].FsStats, 500)
	within("ephemeral storage", pod.EphemeralStorage, 400)
}

func TestSummaryTellsWhatHasPassedTheNetwork(t *testing.T) {
	n := newNode(t)
	n.run("web", nil, "web")
	p := n.provider()
	p.PodNetwork = func(now time.Time, pod *corev1.Pod, sandbox string) *statsv1alpha1.NetworkStats {
		if sandbox == "" || pod.Name != "web" {
			t.Errorf("asked for pod %s with sandbox %q", pod.Name, sandbox)
		}
		return &statsv1alpha1.NetworkStats{Time: metav1.NewTime(now), InterfaceStats: statsv1alpha1.InterfaceStats{Name: "eth0", RxBytes: ptr.To[uint64](7)}}
	}
	summary, err := p.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if network := summary.Pods[0].Network; network == nil || *network.RxBytes != 7 {
		t.Errorf("the network is %+v", network)
	}
	if summary.Node.Fs != nil || summary.Pods[0].EphemeralStorage != nil || summary.Pods[0].Containers[0].Logs != nil {
		t.Error("a node without a disk has figures of one")
	}
}

func TestAFileOfTwoNamesIsOccupiedOnce(t *testing.T) {
	d := disk(t.TempDir())
	d.fill(t, "one", 256)
	if err := os.Link(filepath.Join(string(d), "one"), filepath.Join(string(d), "two")); err != nil {
		t.Fatal(err)
	}
	if bytes, inodes := Occupied(string(d)); bytes < 256<<10 || bytes > 300<<10 || inodes != 2 {
		t.Errorf("%d bytes and %d inodes, want about 256 kilobytes, and the file and its directory", bytes, inodes)
	}
	if bytes, inodes := Occupied(filepath.Join(string(d), "none")); bytes != 0 || inodes != 0 {
		t.Errorf("what is not there takes %d bytes and %d inodes", bytes, inodes)
	}
}
