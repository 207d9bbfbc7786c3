package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/pods"
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

func TestDNSKeepsWithinTheLimitsOfResolvers(t *testing.T) {
	long := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + "." + strings.Repeat("c", 60) + "." + strings.Repeat("d", 60)
	searches := func(domains ...string) *corev1.Pod {
		return pod(func(p *corev1.Pod) {
			p.Spec.DNSPolicy = corev1.DNSNone
			p.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"}, Searches: domains}
		})
	}
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("d%d.example.com", i)
	}
	var wide []string
	for i := range 10 {
		wide = append(wide, fmt.Sprintf("%d%s", i, long)) // 244 characters each
	}
	dir := t.TempDir()
	resolv := filepath.Join(dir, "resolv.conf")
	text := "search . shop.svc.cluster.local. example.com. example.com\noptions ndots:2 rotate\noptions ndots:3\n"
	if err := os.WriteFile(resolv, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h := New(Options{RootDir: dir, ResolvConf: resolv, ClusterDNS: []string{"10.96.0.10"}})
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want []string
	}{
		{"32 domains", searches(many...), many[:32]},
		{"2048 characters", searches(wide...), wide[:8]},
		{"none that resolvers cannot take", searches("a.b", long+"."+strings.Repeat("e", 20), "c.d"), []string{"a.b", "c.d"}},
		{"each domain once, without the root", pod(nil), []string{"shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com"}},
	} {
		got, err := h.dns(test.pod)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Searches, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got.Searches, test.want)
		}
		if len(got.Servers) > 3 {
			t.Errorf("%s: there are %d name servers, want 3 at most", test.name, len(got.Servers))
		}
	}
	node, err := h.dns(pod(func(p *corev1.Pod) { p.Spec.DNSPolicy = corev1.DNSDefault }))
	if want := []string{"rotate", "ndots:3"}; err != nil || !slices.Equal(node.Options, want) {
		t.Errorf("the node's options are %q (%v), want %q: the last one counts", node.Options, err, want)
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
	got, err := New(Options{}).containerSecurity(p, &p.Spec.Containers[0], pods.ImageUser{})
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
	if got, err := New(Options{}).containerSecurity(p, &p.Spec.Containers[0], pods.ImageUser{}); err != nil || !got.Privileged || len(got.MaskedPaths) != 0 || !anyPrivileged(p) {
		t.Errorf("a privileged container has %+v (%v)", got, err)
	}
	p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](0)}
	if _, err := New(Options{}).containerSecurity(p, &p.Spec.Containers[0], pods.ImageUser{}); err == nil {
		t.Error("a container that must not be root is root")
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
