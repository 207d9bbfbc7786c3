package eviction

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func storage(limit string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse(limit)}}
}

func scratch(name, limit string, medium corev1.StorageMedium) corev1.Volume {
	volume := corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: medium}}}
	if limit != "" {
		size := resource.MustParse(limit)
		volume.EmptyDir.SizeLimit = &size
	}
	return volume
}

func TestWhichLimitIsExceeded(t *testing.T) {
	const kib = 1 << 10
	two := corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Resources: storage("8Ki")}, {Name: "other", Resources: storage("8Ki")}}}
	for _, test := range []struct {
		name    string
		spec    corev1.PodSpec
		used    Usage
		limited bool
		want    string
	}{
		{"no limit, whatever is used", corev1.PodSpec{Volumes: []corev1.Volume{scratch("v", "", "")}}, Usage{EmptyDirs: map[string]int64{"v": 1 << 40}}, false, ""},
		{"a volume that is full to the brim", corev1.PodSpec{Volumes: []corev1.Volume{scratch("v", "8Ki", "")}}, Usage{EmptyDirs: map[string]int64{"v": 8 * kib}}, true, ""},
		{"a volume with too much in it", corev1.PodSpec{Volumes: []corev1.Volume{scratch("v", "8Ki", "")}}, Usage{EmptyDirs: map[string]int64{"v": 9 * kib}}, true,
			`Usage of EmptyDir volume "v" exceeds the limit "8Ki". `},
		{"a volume in memory, which the kernel limits", corev1.PodSpec{Volumes: []corev1.Volume{scratch("v", "8Ki", corev1.StorageMediumMemory)}}, Usage{}, false, ""},
		{"containers within their limits", two, Usage{Containers: map[string]int64{"main": 8 * kib, "other": 8 * kib}}, true, ""},
		{"a container beyond its own", two, Usage{Containers: map[string]int64{"main": 9 * kib}}, true,
			`Container main exceeded its local ephemeral storage limit "8Ki". `},
		{"all of them together with their volumes", two, Usage{Containers: map[string]int64{"main": 8 * kib, "other": 8 * kib}, EmptyDirs: map[string]int64{"v": kib}}, true,
			"Pod ephemeral local storage usage exceeds the total limit of containers 16Ki. "},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: test.spec}
			if got := Exceeded(pod, test.used); got != test.want || limited(pod) != test.limited {
				t.Errorf("it says %q, and that the pod is limited: %t; want %q and %t", got, limited(pod), test.want, test.limited)
			}
		})
	}
}

// disk has all things of a pod in one directory.
type disk string

func (d disk) VolumePath(_ *corev1.Pod, volume *corev1.Volume) string {
	return filepath.Join(string(d), volume.Name)
}
func (d disk) ContainerLogs(_ *corev1.Pod, container string) string {
	return filepath.Join(string(d), container)
}

// written are the bytes that a container has written to its own file system.
type written int

func (w written) ListContainerStats(_ context.Context, filter *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error) {
	return []*runtimeapi.ContainerStats{{
		Attributes: &runtimeapi.ContainerAttributes{Labels: map[string]string{
			cri.LabelPodUID: "uid", cri.LabelContainerName: "main", cri.LabelAgent: filter.LabelSelector[cri.LabelAgent],
		}},
		WritableLayer: &runtimeapi.FilesystemUsage{UsedBytes: &runtimeapi.UInt64Value{Value: uint64(w)}},
	}}, nil
}

func TestWhatIsOnTheDiskCounts(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"v/file": 20 << 10, "main/0.log": 20 << 10} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "v/file"), filepath.Join(dir, "v/again")); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		spec    corev1.PodSpec
		written written
		phase   corev1.PodPhase
		want    string
	}{
		"a file with two names counts once": {corev1.PodSpec{Volumes: []corev1.Volume{scratch("v", "36Ki", "")}}, 0, corev1.PodRunning, ""},
		"files in a volume": {corev1.PodSpec{Volumes: []corev1.Volume{scratch("v", "16Ki", "")}}, 0, corev1.PodRunning,
			`Usage of EmptyDir volume "v" exceeds the limit "16Ki". `},
		"a log, and what a container has written": {corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Resources: storage("64Ki")}, {Name: "more", Resources: storage("1Mi")}}}, 60 << 10, corev1.PodRunning,
			`Container main exceeded its local ephemeral storage limit "64Ki". `},
		"a pod that is over": {corev1.PodSpec{Volumes: []corev1.Volume{scratch("v", "16Ki", "")}}, 0, corev1.PodSucceeded, ""},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: test.spec}
			pod.UID, pod.Status.Phase = "uid", test.phase
			m := &Manager{Options: Options{Agent: "node", Runtime: test.written, Disk: disk(dir), Pods: func() []*corev1.Pod { return []*corev1.Pod{pod} }}}
			exceeded, err := m.exceeded(t.Context(), m.active())
			if got := exceeded["uid"]; err != nil || got != test.want {
				t.Errorf("it is to be evicted because of %q (%v), want %q", got, err, test.want)
			}
		})
	}
}
