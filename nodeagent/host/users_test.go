package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/userns"
)

// nodeWithUsers has room for two pods with users of their own, and what is on its disk.
func nodeWithUsers(t *testing.T, root string) (*Host, error) {
	t.Helper()
	ranges, err := userns.New(userns.Range{First: 1 << 16, Length: 2 << 16}, 1<<16, 2)
	if err != nil {
		t.Fatal(err)
	}
	h := New(Options{
		RootDir: root, ResolvConf: os.DevNull, Volumes: plainVolumes{}, UserRanges: ranges, HostIPs: func() []string { return nil },
	})
	return h, RecordUsers(root, ranges)
}

func withUsers(uid types.UID) *corev1.Pod {
	return pod(func(p *corev1.Pod) { p.UID, p.Spec.HostUsers = uid, ptr.To(false) })
}

// sandboxUsers prepares a pod, and returns whose its users are.
func sandboxUsers(t *testing.T, h *Host, p *corev1.Pod) (*runtimeapi.UserNamespace, error) {
	t.Helper()
	if err := h.Prepare(t.Context(), p, cgroups.Limits{}, nil); err != nil {
		t.Fatal(err)
	}
	config, err := h.Sandbox(t.Context(), p)
	if err != nil {
		return nil, err
	}
	return config.Linux.SecurityContext.NamespaceOptions.UsernsOptions, nil
}

func TestAPodKeepsItsIDsWhenTheAgentStartsAnew(t *testing.T) {
	root := t.TempDir()
	h, err := nodeWithUsers(t, root)
	if err != nil {
		t.Fatal(err)
	}
	first, second, third := withUsers("a"), withUsers("b"), withUsers("c")
	one, err := sandboxUsers(t, h, first)
	if err != nil || one.Mode != runtimeapi.NamespaceMode_POD || one.Uids[0].HostId < 1<<16 || one.Uids[0].Length != 1<<16 || one.Gids[0].HostId != one.Uids[0].HostId {
		t.Fatalf("a pod gets %v (%v)", one, err)
	}
	if h, err = nodeWithUsers(t, root); err != nil {
		t.Fatal(err)
	}
	two, err := sandboxUsers(t, h, second)
	if err != nil || two.Uids[0].HostId == one.Uids[0].HostId {
		t.Errorf("after the agent was started anew, another pod gets %v (%v), and the first has %v", two, err, one)
	}
	if again, err := sandboxUsers(t, h, first); err != nil || again.Uids[0].HostId != one.Uids[0].HostId {
		t.Errorf("and the first %v (%v) rather than %v", again, err, one)
	}
	if three, err := sandboxUsers(t, h, third); err == nil {
		t.Errorf("a third pod gets %v, where there is room for two", three)
	}
	if err := h.CleanUp(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if three, err := sandboxUsers(t, h, third); err != nil || three.Uids[0].HostId != one.Uids[0].HostId {
		t.Errorf("when the first is gone, the third gets %v (%v), want what it had: %v", three, err, one)
	}
}

func TestWhatIsMountedBelongsToThePodsUsers(t *testing.T) {
	h, err := nodeWithUsers(t, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := withUsers("a")
	users, err := sandboxUsers(t, h, p)
	if err != nil {
		t.Fatal(err)
	}
	mounts := []*runtimeapi.Mount{{ContainerPath: "/data"}, {ContainerPath: "/etc/hosts"}}
	config, err := h.containerConfig(p, &p.Spec.Containers[0], pods.ContainerOf{}, nil, mounts)
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Linux.SecurityContext.NamespaceOptions.UsernsOptions; got.Mode != runtimeapi.NamespaceMode_POD || got.Uids[0].HostId != users.Uids[0].HostId {
		t.Errorf("its container has the users %v, and its sandbox %v", got, users)
	}
	for _, mount := range config.Mounts {
		if len(mount.UidMappings) != 1 || mount.UidMappings[0].HostId != users.Uids[0].HostId || mount.GidMappings[0].HostId != users.Gids[0].HostId {
			t.Errorf("%s is mounted for %v and %v", mount.ContainerPath, mount.UidMappings, mount.GidMappings)
		}
	}
}

func TestAPodWithTheHostsUsersIsNotMapped(t *testing.T) {
	h, err := nodeWithUsers(t, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, asked := range []*bool{nil, ptr.To(true)} {
		p := pod(func(p *corev1.Pod) { p.Spec.HostUsers = asked })
		if users, err := sandboxUsers(t, h, p); err != nil || users.Mode != runtimeapi.NamespaceMode_NODE || users.Uids != nil {
			t.Errorf("it has %v (%v)", users, err)
		}
	}
}

func TestIDsThatCannotBeReadStopTheAgent(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":       "{",
		"no range":      `{"uidMappings":[],"gidMappings":[]}`,
		"two of them":   `{"uidMappings":[{"hostId":65536,"length":65536}],"gidMappings":[{"hostId":131072,"length":65536}]}`,
		"the host's":    `{"uidMappings":[{"hostId":0,"length":65536}],"gidMappings":[{"hostId":0,"length":65536}]}`,
		"not from root": `{"uidMappings":[{"hostId":65536,"containerId":5,"length":65536}],"gidMappings":[{"hostId":65536,"containerId":5,"length":65536}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.MkdirAll(filepath.Join(root, "pods", "uid"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, "pods", "uid", "userns"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := nodeWithUsers(t, root); err == nil || !strings.Contains(err.Error(), root) {
				t.Errorf("got %v, want an error that names the file", err)
			}
		})
	}
}
