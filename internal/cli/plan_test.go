package cli

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/wiring"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// The previews are of loops that have to know more than the API tells: which kinds there are, the ranges of addresses, the
// certificate authority. A preview that knows less than the loop shows another plan.
func TestPlanKnowsWhatTheRunningLoopsKnow(t *testing.T) {
	klog.SetLogger(logr.Discard())
	server := testserver.Start(t, apiserver.Options{Ephemeral: true, TwoNames: true, Logger: logr.Discard()})
	client := kubernetes.NewForConfigOrDie(testserver.Config(t, server, identity.Admin))
	kubeconfig := kubeconfigOf(t, server)

	leaving := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "leaving"}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), leaving, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	left := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "left"}}
	if _, err := client.CoreV1().ConfigMaps("leaving").Create(t.Context(), left, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.CoreV1().Namespaces().Delete(t.Context(), "leaving", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	bare := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "bare"}}
	if _, err := client.CoreV1().Nodes().Create(t.Context(), bare, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct{ object, want string }{
		"the kinds of the server, for a namespace that is being deleted": {"namespace/leaving", "configmaps"},
		"the ranges of addresses, for a node that has none":              {"node/bare", `"podCIDR":"10.244.0.0/24"`},
		"the certificate authority, for a namespace without it":          {"namespace/default", "kube-root-ca.crt"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := run(t, "plan", c.object, "--kubeconfig", kubeconfig); !strings.Contains(got, c.want) {
				t.Errorf("orrery plan %s does not speak of %q:\n%s", c.object, c.want, got)
			}
		})
	}
}

func TestPlansOfAnInstanceAreMadeWithItsSettings(t *testing.T) {
	here := instance.Settings{Port: 6443, Addresses: instance.Addresses{
		Pods: netip.MustParsePrefix("10.200.0.0/16"), Services: netip.MustParsePrefix("10.96.0.0/16"),
	}}
	for name, c := range map[string]struct {
		host string
		own  bool
		here instance.Settings
		want bool
	}{
		"its API server":                                {"https://127.0.0.1:6443", true, here, true},
		"another API server of ours":                    {"https://127.0.0.1:7443", true, here, false},
		"another machine's":                             {"https://10.0.0.1:6443", true, here, false},
		"an API server of ours, and no instance runs":   {"https://127.0.0.1:6443", true, instance.Settings{}, false},
		"somebody else's, where an instance might have": {"https://127.0.0.1:6443", false, here, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isOf(c.here, wiring.Cluster{Config: &rest.Config{Host: c.host}, Own: c.own}); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

func TestPlansOfAnInstanceAreThoseOfItsLoopsUnlessFlagsSayOtherwise(t *testing.T) {
	var running, asked wiring.Selection
	if err := errors.Join(running.Set("*,-job"), asked.Set("job")); err != nil {
		t.Fatal(err)
	}
	here := loopsOf(instance.Settings{Addresses: instance.Addresses{Pods: netip.MustParsePrefix("10.200.0.0/16")}}, running)
	flags := wiring.Loops{Selection: asked, ClusterCIDRs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, RootCA: []byte("root")}
	for name, c := range map[string]struct {
		given           string
		selection, pods string
	}{
		"without flags":       {"", "*,-job-controller", "10.200.0.0/16"},
		"with --controllers":  {selectionFlag, "job-controller", "10.200.0.0/16"},
		"with --cluster-cidr": {clusterCIDRFlag, "*,-job-controller", "10.1.0.0/16"},
	} {
		t.Run(name, func(t *testing.T) {
			got := inInstance(flags, here, func(flag string) bool { return flag == c.given })
			if got.Selection.String() != c.selection || got.ClusterCIDRs[0].String() != c.pods || string(got.RootCA) != "root" {
				t.Errorf("they are %+v, want %s and %s", got, c.selection, c.pods)
			}
		})
	}
}

// run runs a command of the program in this process, and returns what it printed.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs(append(args, "--data-dir", t.TempDir()))
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("orrery %s: %v", strings.Join(args, " "), err)
	}
	return out.String()
}

// kubeconfigOf is the path of an administrator's kubeconfig.
func kubeconfigOf(t *testing.T, server *apiserver.Server) string {
	t.Helper()
	content, err := server.Kubeconfig(identity.Admin, "test")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
