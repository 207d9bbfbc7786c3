package cli

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/cli/bootstraptoken"
	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/nodebootstrap"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"github.com/orrery-dev/orrery/internal/wiring"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// host is a control plane that machines can join: a real API server, and the loops that joining takes.
type host struct {
	server *apiserver.Server
	// admin is for who runs it, and at how --join has it.
	admin kubernetes.Interface
	at    string
}

func newHost(t *testing.T) *host {
	t.Helper()
	server := testserver.Start(t, apiserver.Options{Ephemeral: true, NodesJoin: true})
	config := testserver.Config(t, server, identity.Admin)
	h := &host{server: server, admin: kubernetes.NewForConfigOrDie(config), at: strings.TrimPrefix(server.URL(), "https://")}
	info := clusterinfo.Info{Server: server.URL(), CA: server.CA()}
	nodes := clusterinfo.NodeConfig{Networking: clusterinfo.Networking{
		PodSubnet: netip.MustParsePrefix("203.0.113.0/25"), ServiceSubnet: netip.MustParsePrefix("203.0.113.128/25"),
	}}
	if err := clusterinfo.Publish(t.Context(), h.admin, info, nodes); err != nil {
		t.Fatal(err)
	}
	cluster, err := wiring.Own(server, identity.ControllerCache, logger())
	if err != nil {
		t.Fatal(err)
	}
	var loops wiring.Loops
	loops.Cluster = true
	if err := loops.Selection.Set("csrapproving,csrsigning,bootstrapsigner,tokencleaner,kubelet-serving-csr-approver"); err != nil {
		t.Fatal(err)
	}
	part, err := wiring.NewControllers(cluster, wiring.ControllersOptions{Loops: loops})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- wiring.Run(ctx, part, func() {}) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the loops ended with %v", err)
		}
	})
	return h
}

func usualToken() bootstraptoken.Options {
	return bootstraptoken.Options{TTL: time.Hour, Usages: bootstraptoken.Usages(), Groups: []string{identity.Bootstrappers}}
}

// token makes a token, and waits until it signs.
func (h *host) token(t *testing.T, changes ...func(*bootstraptoken.Options)) made {
	t.Helper()
	o := usualToken()
	for _, change := range changes {
		change(&o)
	}
	var warned bytes.Buffer
	token, err := createToken(t.Context(), h.admin, o, false, &warned)
	if err != nil || warned.Len() > 0 {
		t.Fatalf("%v\n%s", err, warned.String())
	}
	return token
}

// options are what a machine joins with.
func (h *host) options(t *testing.T, token made, name string) nodebootstrap.Options {
	t.Helper()
	pins, err := clusterinfo.Pins(h.server.CA())
	if err != nil {
		t.Fatal(err)
	}
	return nodebootstrap.Options{
		Server: h.at, Token: token.Token.Token, Pins: pins, NodeName: name, Address: netip.MustParseAddr("192.0.2.2"),
		Dir: filepath.Join(t.TempDir(), "registration"),
	}
}

func TestAMachineJoins(t *testing.T) {
	h := newHost(t)
	token := h.token(t)
	if want := "orrery node --join " + h.at + " --token " + token.Token.Token + " --ca-hash sha256:"; !strings.HasPrefix(token.JoinCommand, want) {
		t.Errorf("the command is %q, want it to begin with %q", token.JoinCommand, want)
	}
	o := h.options(t, token, "two")
	joined, err := nodebootstrap.Join(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := joined.Write(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(o.Dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the files are %v (%v)", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("others can read %s (%v)", file, err)
		}
	}
	r, err := registration.Read(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	config, err := r.Node()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("and needs the token no more", func(t *testing.T) {
		if err := bootstraptoken.Delete(t.Context(), h.admin, token.ID()); err != nil {
			t.Fatal(err)
		}
		h.servesAsNode(t, o.Dir, r, kubernetes.NewForConfigOrDie(config))
	})
	if _, err := h.admin.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "one"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Run("and may no more than a node", func(t *testing.T) { mayNoMore(t, kubernetes.NewForConfigOrDie(config)) })
	t.Run("and its name is taken", func(t *testing.T) {
		_, err := nodebootstrap.Join(t.Context(), h.options(t, h.token(t), "two"))
		if err == nil || !strings.Contains(err.Error(), "the cluster has a node two already: give this one another name with --node-name") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("and reaches another server when the one that it joined by is gone", func(t *testing.T) {
		h.isReachedByAnother(t, o.Dir)
	})
	t.Run("and leaves", func(t *testing.T) {
		if err := kubernetes.NewForConfigOrDie(config).CoreV1().Nodes().Delete(t.Context(), "two", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// isReachedByAnother has a node's server be gone, and another be remembered.
func (h *host) isReachedByAnother(t *testing.T, dir string) {
	t.Helper()
	inst, err := instance.Open(t.TempDir(), "node")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(registrationDir(inst), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(registrationDir(inst), "node.kubeconfig")
	kubeconfig, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(kubeconfig, []byte(h.at), []byte(gone.Addr().String())), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeServers(inst, []string{h.at}); err != nil {
		t.Fatal(err)
	}
	r, err := registration.Read(registrationDir(inst))
	if err != nil {
		t.Fatal(err)
	}
	balancer, r, err := balancerOf(t.Context(), inst, r)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- balancer.Run(ctx) }()
	defer func() {
		if end(); <-ended != nil {
			t.Error("the balancer ended with an error")
		}
	}()
	config, err := r.Node()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kubernetes.NewForConfigOrDie(config).CoreV1().Nodes().Get(t.Context(), "two", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

// servesAsNode makes the Node, as the agent would, and gets the certificate of its server.
func (h *host) servesAsNode(t *testing.T, dir string, r registration.Registration, api kubernetes.Interface) {
	t.Helper()
	rotation, err := nodebootstrap.NewRotation(dir, r, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rotation.Serving(); err == nil {
		t.Error("it serves before it has a certificate")
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: r.NodeName}}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: r.Address.String()}}
	if _, err := api.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), await.Deadline)
	defer stop()
	signed := false
	if err := rotation.Run(ctx, func(time.Time) { signed = true; stop() }); err != nil || !signed {
		t.Fatalf("its server has a certificate: %t (%v)", signed, err)
	}
	certificate, err := rotation.Serving()
	if err != nil {
		t.Fatal(err)
	}
	if err := certificate.Leaf.VerifyHostname(r.Address.String()); err != nil {
		t.Error(err)
	}
	again, err := nodebootstrap.NewRotation(dir, r, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Serving(); err != nil {
		t.Errorf("the next process has no certificate: %v", err)
	}
	if _, err := nodebootstrap.NewRotation(dir, r, time.Now().AddDate(2, 0, 0)); err == nil || !strings.Contains(err.Error(), "orrery node leave --force") {
		t.Errorf("the error in two years is %v", err)
	}
}

// mayNoMore tries what a node must not do, for all that it joined.
func mayNoMore(t *testing.T, api kubernetes.Interface) {
	t.Helper()
	for what, try := range map[string]func() error{
		"delete another Node": func() error { return api.CoreV1().Nodes().Delete(t.Context(), "one", metav1.DeleteOptions{}) },
		"read Secrets": func() error {
			_, err := api.CoreV1().Secrets("kube-system").List(t.Context(), metav1.ListOptions{})
			return err
		},
		"write ConfigMaps": func() error {
			_, err := api.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
			return err
		},
	} {
		if err := try(); !apierrors.IsForbidden(err) {
			t.Errorf("it may %s: %v", what, err)
		}
	}
}

func TestAMachineThatIsNotLetInHearsWhy(t *testing.T) {
	h := newHost(t)
	good := h.token(t)
	if _, err := h.admin.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "taken"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*nodebootstrap.Options)
		says   string
	}{
		{"a token of another cluster", func(o *nodebootstrap.Options) { o.Token = "zzzzzz.0123456789abcdef" }, "knows no token zzzzzz.…"},
		{"a token that is wrong", func(o *nodebootstrap.Options) { o.Token = good.ID() + ".0123456789abcdef" }, "the part after the full stop is wrong"},
		{"a token that only signs", func(o *nodebootstrap.Options) {
			o.Token = h.token(t, func(o *bootstraptoken.Options) { o.Usages = []string{"signing"} }).Token.Token
		}, "is not for authentication (--usages)"},
		{"a token of other groups", func(o *nodebootstrap.Options) {
			o.Token = h.token(t, func(o *bootstraptoken.Options) { o.Groups = nil }).Token.Token
		}, "was it made with other --groups?"},
		{"another cluster's authority", func(o *nodebootstrap.Options) { o.Pins = []string{"sha256:" + strings.Repeat("0", 64)} }, "it is another cluster"},
		{"a name that is taken", func(o *nodebootstrap.Options) { o.NodeName = "taken" }, "the cluster has a node taken already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := h.options(t, good, "two")
			tt.change(&o)
			_, err := nodebootstrap.Join(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the error is %v, want %q in it", err, tt.says)
			}
			if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
				t.Errorf("something is written (%v)", err)
			}
		})
	}
	t.Run("a token that has expired", func(t *testing.T) {
		token := h.token(t, func(o *bootstraptoken.Options) { o.TTL = 2 * time.Second })
		await.Until(t, "the join to be refused", func() (string, bool) {
			_, err := nodebootstrap.Join(t.Context(), h.options(t, token, "two"))
			if err == nil {
				return "it is let in", false
			}
			return err.Error(), strings.Contains(err.Error(), "it has expired")
		})
	})
	t.Run("nobody at all, but to what everybody can read", func(t *testing.T) { h.showsNobodyMore(t) })
}

// showsNobodyMore: who has no name can read cluster-info, and neither the other ConfigMaps beside it nor all of them.
func (h *host) showsNobodyMore(t *testing.T) {
	nobody := kubernetes.NewForConfigOrDie(&rest.Config{Host: h.server.URL(), TLSClientConfig: rest.TLSClientConfig{CAData: h.server.CA()}})
	public := nobody.CoreV1().ConfigMaps("kube-public")
	if _, err := public.Get(t.Context(), "cluster-info", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	_, ofList := public.List(t.Context(), metav1.ListOptions{})
	_, ofOther := public.Get(t.Context(), "other", metav1.GetOptions{})
	_, ofConfig := nobody.CoreV1().ConfigMaps("kube-system").Get(t.Context(), "orrery-config", metav1.GetOptions{})
	for what, err := range map[string]error{"all ConfigMaps": ofList, "another one": ofOther, "orrery-config": ofConfig} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("nobody can read %s: %v", what, err)
		}
	}
}

func TestWhereOthersReachAMachine(t *testing.T) {
	if got := towards("127.0.0.1:9"); got != localhost {
		t.Errorf("the way to this machine is from %s", got)
	}
	outside := netip.MustParseAddr("192.0.2.7")
	for _, tt := range []struct {
		name string
		o    servingOptions
		want netip.Addr
	}{
		{"nobody reaches it at home", servingOptions{bind: localhost}, netip.Addr{}},
		{"at the one address on which it listens", servingOptions{bind: outside}, outside},
		{"at the one that it advertises, on all", servingOptions{bind: netip.IPv4Unspecified(), advertise: outside}, outside},
		{"at none of IPv6", servingOptions{bind: netip.MustParseAddr("2001:db8::7")}, netip.Addr{}},
	} {
		if got := tt.o.outside(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
