package host

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func onDisk(t *testing.T, h *Host) []string {
	t.Helper()
	uids, err := h.ListPodsFromDisk()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(uids)
	return slices.Compact(uids)
}

// Each step is done twice, as after a crash between it and the next.
func TestAPodsDirectoriesComeAndGo(t *testing.T) {
	root := t.TempDir()
	h := New(Options{RootDir: root, Volumes: plainVolumes{}, HostIPs: func() []string { return nil }})
	if uids := onDisk(t, h); len(uids) > 0 {
		t.Errorf("on a new disk there are %q", uids)
	}
	web, other := pod(nil), pod(func(p *corev1.Pod) { p.Name, p.UID = "other", "other" })
	nameless := &corev1.Pod{}
	nameless.UID = types.UID("uid") // all that is known of a pod that was found on the disk
	for _, step := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"prepared", func() error { return h.Prepare(t.Context(), web, cgroups.Of(&web.Spec), nil) }, []string{"uid"}},
		{"beside another", func() error { return h.Prepare(t.Context(), other, cgroups.Of(&other.Spec), nil) }, []string{"other", "uid"}},
		{"cleaned up", func() error { return h.CleanUp(t.Context(), web) }, []string{"other", "uid"}},
		{"without logs", func() error { return h.RemoveLogs(nameless) }, []string{"other"}},
	} {
		for range 2 {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if got := onDisk(t, h); !slices.Equal(got, step.want) {
				t.Errorf("%s there are %q, want %q", step.name, got, step.want)
			}
		}
	}
	if _, err := os.Stat(h.logDir(other)); err != nil {
		t.Errorf("the other pod's logs: %v", err)
	}
}

func TestASimulatedNodeHasNoDisk(t *testing.T) {
	t.Chdir(t.TempDir())
	h := New(Options{HostIPs: func() []string { return nil }})
	p := pod(func(p *corev1.Pod) {
		p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/v"}}
	})
	if err := h.Prepare(t.Context(), p, cgroups.Of(&p.Spec), nil); err != nil {
		t.Error(err)
	}
	if mounts, err := h.mounts(p, &p.Spec.Containers[0], containerOf(0), nil); err != nil || len(mounts) > 0 {
		t.Errorf("the mounts are %v (%v)", mounts, err)
	}
	if err := h.CleanUp(t.Context(), p); err != nil {
		t.Error(err)
	}
	if err := h.RemoveLogs(p); err != nil {
		t.Error(err)
	}
	if uids := onDisk(t, h); len(uids) > 0 {
		t.Errorf("on no disk there are %q", uids)
	}
	if made, err := os.ReadDir("."); err != nil || len(made) > 0 {
		t.Errorf("something was made: %v (%v)", made, err)
	}
}

func TestTerminationMessagesAreThoseOfContainersThatEnded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte("last words"), 0o600); err != nil {
		t.Fatal(err)
	}
	containers := []cri.Container{{TerminationLog: file, State: runtimeapi.ContainerState_CONTAINER_EXITED}, {TerminationLog: file, State: runtimeapi.ContainerState_CONTAINER_RUNNING, Message: "runs"}}
	New(Options{}).ReadTerminationMessages(containers)
	if containers[0].Message != "last words" || containers[1].Message != "runs" {
		t.Errorf("the messages are %q and %q", containers[0].Message, containers[1].Message)
	}
}
