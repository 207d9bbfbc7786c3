package host

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func pod(change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "uid", Labels: map[string]string{"app": "web"}}}
	p.Spec.Containers = []corev1.Container{{Name: "main", Image: "image:1"}}
	if change != nil {
		change(p)
	}
	return p
}

func TestHostname(t *testing.T) {
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"the pod's name", pod(nil), "web"},
		{"its own choice", pod(func(p *corev1.Pod) { p.Spec.Hostname = "other" }), "other"},
		{"a name that is too long is cut, and not at a dash", pod(func(p *corev1.Pod) { p.Name = strings.Repeat("a", 62) + "-" + "bbb" }), strings.Repeat("a", 62)},
	} {
		if got := Hostname(test.pod); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestDNSByPolicy(t *testing.T) {
	dir := t.TempDir()
	resolv := filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(resolv, []byte("# node\nnameserver 192.0.2.53\nsearch example.com\noptions rotate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := New(Options{RootDir: dir, ResolvConf: resolv, ClusterDNS: []string{"10.96.0.10"}})
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"the cluster's first", pod(nil), "10.96.0.10 | shop.svc.cluster.local svc.cluster.local cluster.local example.com | ndots:5"},
		{"the node's", pod(func(p *corev1.Pod) { p.Spec.DNSPolicy = corev1.DNSDefault }), "192.0.2.53 | example.com | rotate"},
		{"the node's on the host's network", pod(func(p *corev1.Pod) { p.Spec.HostNetwork = true }), "192.0.2.53 | example.com | rotate"},
		{"the cluster's on the host's network", pod(func(p *corev1.Pod) {
			p.Spec.HostNetwork, p.Spec.DNSPolicy = true, corev1.DNSClusterFirstWithHostNet
		}), "10.96.0.10 | shop.svc.cluster.local svc.cluster.local cluster.local example.com | ndots:5"},
		{"its own", pod(func(p *corev1.Pod) {
			p.Spec.DNSPolicy = corev1.DNSNone
			p.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{"1.2.3.4", "1.2.3.4"}, Searches: []string{"a.b"}, Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: ptr.To("2")}}}
		}), "1.2.3.4 | a.b | ndots:2"},
		{"an option of its own over the cluster's", pod(func(p *corev1.Pod) {
			p.Spec.DNSConfig = &corev1.PodDNSConfig{Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: ptr.To("2")}}}
		}), "10.96.0.10 | shop.svc.cluster.local svc.cluster.local cluster.local example.com | ndots:2"},
	} {
		got, err := h.dns(test.pod)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join([]string{strings.Join(got.Servers, " "), strings.Join(got.Searches, " "), strings.Join(got.Options, " ")}, " | ")
		if text != test.want {
			t.Errorf("%s: got %q, want %q", test.name, text, test.want)
		}
	}
}

func TestSecurityContexts(t *testing.T) {
	p := pod(func(p *corev1.Pod) {
		p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: ptr.To[int64](1000), RunAsGroup: ptr.To[int64](2000), FSGroup: ptr.To[int64](3000)}
	})
	p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
		RunAsUser: ptr.To[int64](5), ReadOnlyRootFilesystem: ptr.To(true), AllowPrivilegeEscalation: ptr.To(false),
		Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"CAP_NET_ADMIN"}, Drop: []corev1.Capability{"ALL"}},
	}
	got, err := containerSecurity(p, &p.Spec.Containers[0])
	if err != nil {
		t.Fatal(err)
	}
	if got.RunAsUser.Value != 5 || got.RunAsGroup.Value != 2000 || !slices.Equal(got.SupplementalGroups, []int64{3000}) || !got.ReadonlyRootfs || !got.NoNewPrivs {
		t.Errorf("the context is %+v", got)
	}
	if got.Capabilities.AddCapabilities[0] != "NET_ADMIN" || got.Capabilities.DropCapabilities[0] != "ALL" || len(got.MaskedPaths) == 0 {
		t.Errorf("the context is %+v", got)
	}
	p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(true)}
	if got, err := containerSecurity(p, &p.Spec.Containers[0]); err != nil || !got.Privileged || len(got.MaskedPaths) != 0 || !anyPrivileged(p) {
		t.Errorf("a privileged container has %+v (%v)", got, err)
	}
	p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](0)}
	if _, err := containerSecurity(p, &p.Spec.Containers[0]); err == nil {
		t.Error("a container that must not be root is root")
	}
}

func TestSubPathsStayInTheirVolume(t *testing.T) {
	volume, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(volume, "way-out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("dir", filepath.Join(volume, "inside")); err != nil {
		t.Fatal(err)
	}
	h := New(Options{})
	for sub, ok := range map[string]bool{"dir": true, "dir/deeper": true, "inside": true, "way-out": false, "way-out/x": false, "../x": false, "/x": false} {
		if sub == "inside" {
			if err := os.MkdirAll(filepath.Join(volume, "dir"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		got, err := h.subPath(volume, sub)
		if (err == nil) != ok {
			t.Errorf("%q leads to %q (%v)", sub, got, err)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
		t.Errorf("something was made outside: %v (%v)", left, err)
	}
}

// Whoever may write to a volume may write to a directory of it that the agent makes.
func TestASubPathHasTheModeOfItsVolume(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o777 | os.ModeSetgid, 0o755, 0o700} {
		volume := t.TempDir()
		if err := os.Mkdir(filepath.Join(volume, "there"), 0o711); err != nil {
			t.Fatal(err)
		}
		// An attempt before this one came no further.
		if err := os.Mkdir(filepath.Join(volume, "there", ".a.unfinished"), 0o711); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(volume, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{}).subPath(volume, "there/a/b"); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]os.FileMode{"there": 0o711, "there/a": mode, "there/a/b": mode} {
			if info, err := os.Stat(filepath.Join(volume, path)); err != nil || info.Mode() != os.ModeDir|want {
				t.Errorf("in a volume of mode %v %s is %v (%v), want %v", mode, path, info.Mode(), err, want)
			}
		}
	}
}

// An attempt before this one may have ended between any two steps, and the umask may be anything.
func TestWhatAContainerGetsDoesNotDependOnEarlierAttempts(t *testing.T) {
	dir := t.TempDir()
	h := New(Options{RootDir: dir, HostIPs: func() []string { return nil }})
	p := pod(nil)
	ips := []string{"10.0.0.1"}
	for _, attempt := range []string{"at first", "after its mode was changed", "after half of it was written"} {
		if err := os.MkdirAll(h.podDir(p), 0o750); err != nil {
			t.Fatal(err)
		}
		hosts, err := h.hostsFile(p, ips)
		if err != nil {
			t.Fatal(err)
		}
		log, err := h.terminationLog(p, &p.Spec.Containers[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(hosts)
		if err != nil || !strings.HasSuffix(string(content), "10.0.0.1\tweb\n") {
			t.Errorf("%s the hosts are %q (%v)", attempt, content, err)
		}
		for path, want := range map[string]os.FileMode{hosts: 0o644, log: 0o666} {
			info, err := os.Stat(path)
			if err != nil || info.Mode() != want {
				t.Errorf("%s %s has mode %v (%v), want %v", attempt, filepath.Base(path), info.Mode(), err, want)
			}
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if attempt == "after its mode was changed" {
			if err := os.WriteFile(hosts, content[:len(content)/2], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// plainVolumes have a directory each.
type plainVolumes struct{}

func (plainVolumes) Mount(context.Context, *corev1.Pod, string) error { return nil }
func (plainVolumes) Unmount(string) error                             { return nil }
func (plainVolumes) Path(_ *corev1.Pod, dir string, volume *corev1.Volume) string {
	return filepath.Join(dir, volume.Name)
}

func TestContentThatTheAgentWritesIsReadOnly(t *testing.T) {
	h := New(Options{RootDir: t.TempDir(), Volumes: plainVolumes{}})
	for name, test := range map[string]struct {
		source   corev1.VolumeSource
		readOnly bool
	}{
		"a ConfigMap":      {corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}, true},
		"a Secret":         {corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}, true},
		"the downward API": {corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{}}, true},
		"a projection":     {corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}, true},
		"an emptyDir":      {corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}, false},
		"a hostPath":       {corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}, false},
	} {
		p := pod(func(p *corev1.Pod) { p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: test.source}} })
		mount, err := h.volumeMount(p, &p.Spec.Containers[0], &corev1.VolumeMount{Name: "v", MountPath: "/v"}, nil)
		if err != nil || mount.Readonly != test.readOnly {
			t.Errorf("%s is mounted as %v (%v), want it to be read-only: %t", name, mount, err, test.readOnly)
		}
	}
}

func TestTerminationMessage(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own, empty := write("own", "last words"), write("empty", "")
	log := write("log", "2026-01-01T00:00:00Z stdout F one\n2026-01-01T00:00:00Z stderr F two\n")
	fallback := map[string]string{cri.AnnotationTerminationMessagePolicy: "FallbackToLogsOnError"}
	h := New(Options{})
	for _, test := range []struct {
		name string
		c    cri.Container
		want string
	}{
		{"what it wrote", cri.Container{TerminationLog: own, LogPath: log, ExitCode: 1, Annotations: fallback}, "last words"},
		{"the end of its log, if it failed and wants that", cri.Container{TerminationLog: empty, LogPath: log, ExitCode: 1, Annotations: fallback}, "one\ntwo\n"},
		{"nothing, if it succeeded", cri.Container{TerminationLog: empty, LogPath: log, Annotations: fallback}, ""},
		{"nothing, if it does not want its log shown", cri.Container{TerminationLog: empty, LogPath: log, ExitCode: 1}, ""},
	} {
		if got := h.terminationMessage(&test.c); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestCredentialsCoverTheirRegistries(t *testing.T) {
	for _, test := range []struct {
		registry, image string
		want            bool
	}{
		{"https://index.docker.io/v1/", "nginx", true}, {"docker.io", "library/nginx", true}, {"registry.example.com", "registry.example.com/a/b:1", true},
		{"registry.example.com/a", "registry.example.com/b", false}, {"*.example.com", "x.example.com/b", true}, {"*.example.com", "example.com/b", false},
		{"localhost:5000", "localhost:5000/x", true}, {"registry.example.com", "nginx", false},
	} {
		if got := covers(registryKey(test.registry), imageKey(test.image)); got != test.want {
			t.Errorf("credentials for %s cover %s: %t, want %t", test.registry, test.image, got, test.want)
		}
	}
}

func TestPortMappings(t *testing.T) {
	p := pod(func(p *corev1.Pod) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80}, {ContainerPort: 53, HostPort: 5353, Protocol: corev1.ProtocolUDP, HostIP: "127.0.0.1"}}
	})
	got := portMappings(p)
	if len(got) != 1 || got[0].HostPort != 5353 || got[0].Protocol != runtimeapi.Protocol_UDP || got[0].HostIp != "127.0.0.1" {
		t.Errorf("the mappings are %v", got)
	}
	p.Spec.HostNetwork = true
	if got := portMappings(p); got != nil {
		t.Errorf("on the host's network the mappings are %v", got)
	}
}
