package stats

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"
)

// imaged is a runtime that has its images somewhere, and the layers of containers somewhere else if that is not "".
type imaged struct {
	Runtime
	images, layers string
}

func (i imaged) ImageFsInfo(context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
	usage := func(dir string) []*runtimeapi.FilesystemUsage {
		return []*runtimeapi.FilesystemUsage{{
			FsId: &runtimeapi.FilesystemIdentifier{Mountpoint: dir}, UsedBytes: &runtimeapi.UInt64Value{Value: 7}, InodesUsed: &runtimeapi.UInt64Value{Value: 3},
		}}
	}
	answer := &runtimeapi.ImageFsInfoResponse{ImageFilesystems: usage(i.images)}
	if i.layers != "" {
		answer.ContainerFilesystems = usage(i.layers)
	}
	return answer, nil
}

func TestNodeTellsHowItsDisksAre(t *testing.T) {
	here := t.TempDir()
	if _, known := device("/proc"); !known {
		t.Skip("there is no other file system")
	}
	for name, test := range map[string]struct {
		runtime imaged
		want    Layout
	}{
		"one for all":                    {imaged{images: here}, Layout{}},
		"one for images":                 {imaged{images: "/proc"}, Layout{DedicatedImageFs: true}},
		"one for images, not for layers": {imaged{images: "/proc", layers: here}, Layout{DedicatedImageFs: true, SplitContainerFs: true}},
		"one for layers":                 {imaged{images: here, layers: "/proc"}, Layout{DedicatedImageFs: true, SplitContainerFs: true}},
		"nobody knows where images are":  {imaged{images: filepath.Join(here, "nowhere")}, Layout{}},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t)
			p := n.provider()
			test.runtime.Runtime = p.Runtime
			p.Runtime, p.Disk, p.Root = test.runtime, disk(here), here
			p.AllPods = func() (Usage, bool) { return Usage{WorkingSet: 5, Available: 6}, true }
			p.Processes = func(time.Time) *statsv1alpha1.RlimitStats {
				return &statsv1alpha1.RlimitStats{MaxPID: ptr.To[int64](9)}
			}
			node, layout, err := p.NodeStats(t.Context())
			if err != nil || layout != test.want {
				t.Fatalf("its disks are %+v (%v), want %+v", layout, err, test.want)
			}
			if *node.Runtime.ImageFs.UsedBytes != 7 || *node.Runtime.ContainerFs.InodesUsed != 3 || *node.Fs.CapacityBytes == 0 {
				t.Errorf("its file systems are %+v, %+v", node.Fs, node.Runtime)
			}
			if pods := node.SystemContainers[0]; pods.Name != "pods" || *pods.Memory.AvailableBytes != 6 || *node.Rlimit.MaxPID != 9 {
				t.Errorf("its pods are %+v, its processes %+v", pods, node.Rlimit)
			}
			summary, err := p.Summary(t.Context())
			if err != nil || summary.Node.Runtime == nil || summary.Node.Rlimit == nil || len(summary.Node.SystemContainers) != 1 {
				t.Errorf("the summary is %+v (%v)", summary.Node, err)
			}
		})
	}
}

func TestTheMachineCountsItsProcesses(t *testing.T) {
	m := machine(t, map[string]string{"loadavg": "0.20 0.18 0.12 1/80 11206\n"})
	if err := os.MkdirAll(filepath.Join(string(m), "sys", "kernel"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"pid_max": "4194304\n", "threads-max": "1000\n"} {
		if err := os.WriteFile(filepath.Join(string(m), "sys", "kernel", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.Processes(time.Unix(1, 0)); got == nil || *got.NumOfRunningProcesses != 80 || *got.MaxPID != 1000 {
		t.Errorf("it has %+v", got)
	}
	for _, text := range []string{"", "0.1 0.2 0.3", "0.1 0.2 0.3 many 5"} {
		if got := machine(t, map[string]string{"loadavg": text}).Processes(time.Unix(1, 0)); got != nil {
			t.Errorf("of %q it makes %+v", text, got)
		}
	}
}
