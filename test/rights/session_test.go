package rights_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/go-logr/logr"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/test/auditlog"
)

// A session that touches everything that our components do; the audit log tells whether any of it was refused, and which of
// their rights they did not use.
func TestComponentsAskForJustWhatTheyMay(t *testing.T) {
	te := &envtest.Environment{
		TwoNames:       true,
		Scheduler:      true,
		SimulatedNodes: 2,
	}
	// As in a control plane, but a node that has never said a word is missed within seconds.
	te.Components = []envtest.Component{{Name: "controllers", Identity: identity.ControllerCache, Run: func(ctx context.Context, config *rest.Config) error {
		return runControllers(ctx, config, te.Server())
	}}, {Name: "dns", Identity: identity.DNS, Run: runDNS}, {Name: "metrics-server", Identity: identity.MetricsServer, Run: runMetricsServer},
		{Name: "ingress", Identity: identity.Ingress, Run: runIngress}, {Name: "storage", Identity: identity.Storage, Run: runStorage}}
	log := newAudit(t, te)
	config, err := te.Start()
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, config)
	t.Run("workloads", s.workloads)
	t.Run("garbage", s.garbage)
	t.Run("sets", s.sets)
	t.Run("autoscaling", s.autoscaling)
	t.Run("jobs", s.jobs)
	t.Run("protected", s.protected)
	t.Run("stored", s.stored)
	t.Run("quota", s.quota)
	t.Run("nodes", s.nodes)
	t.Run("roles", s.roles)
	t.Run("namespaces", s.namespaces)
	t.Run("tokens", s.tokens)
	t.Run("policies", s.policies)
	t.Run("certificates", s.certificates)
	t.Run("bootstrap", s.bootstrap)
	t.Run("volumes", s.volumes)
	t.Run("provisioned", s.provisioned)
	t.Run("devices", s.devices)
	t.Run("ranges", s.ranges)
	t.Run("names", s.names)
	t.Run("balanced", s.balanced)

	// One refusal of our own making shows that they are seen.
	forbidden, err := te.Server().Config(identity.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kubernetes.NewForConfigOrDie(forbidden).CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); err == nil {
		t.Error("the proxy may list Secrets")
	}
	if err := te.Stop(); err != nil {
		t.Error(err)
	}

	did, err := log.Components()
	if err != nil {
		t.Fatal(err)
	}
	if proxy := did[identity.Proxy.User]; proxy == nil || len(proxy.Refused) != 1 {
		t.Errorf("of the one refusal that was provoked the log has %v", proxy)
	}
	delete(did, identity.Proxy.User)
	for user, activity := range did {
		t.Logf("%s: %d requests", user, activity.Answered)
		for _, refusal := range activity.Refused {
			t.Errorf("%s was refused: %s", user, refusal)
		}
	}
	everythingIsUsed(t, did)
}

// newAudit has an environment write an audit log.
func newAudit(t *testing.T, te *envtest.Environment) auditlog.Log {
	t.Helper()
	log, err := auditlog.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	te.ControlPlane.GetAPIServer().Configure().Append("audit-policy-file", log.Policy).Append("audit-log-path", log.Path)
	return log
}

func runControllers(ctx context.Context, config *rest.Config, server *apiserver.Server) error {
	cluster := wiring.Cluster{Config: config, Naming: apis.Kubernetes, Log: logr.Discard()}.Beside(server)
	var everything wiring.Selection
	if err := everything.Set("*,bootstrapsigner,tokencleaner"); err != nil {
		return err
	}
	controllers, err := wiring.NewControllers(cluster, wiring.ControllersOptions{Loops: wiring.Loops{
		Selection:     everything,
		Cluster:       true,
		ClusterCIDRs:  []netip.Prefix{netip.MustParsePrefix("10.64.0.0/16")},
		Balancer:      balancers.For,
		NodeLifecycle: nodelifecycle.Options{StartupGracePeriod: 3 * time.Second},
	}})
	if err != nil {
		return err
	}
	return controllers.Run(ctx)
}

// session is a person at work.
type session struct {
	client.Client
	config *rest.Config
}

func newSession(t *testing.T, config *rest.Config) *session {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme), snapshotv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return &session{c, config}
}

// as is the same session as somebody else has it.
func (s *session) as(t *testing.T, user string, groups ...string) *session {
	t.Helper()
	config := rest.CopyConfig(s.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	return newSession(t, config)
}

// change changes an object.
func (s *session) change(t *testing.T, obj client.Object, change func()) {
	t.Helper()
	base := obj.DeepCopyObject().(client.Object)
	change()
	if err := s.Patch(t.Context(), obj, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
}

func (s *session) create(t *testing.T, objs ...client.Object) {
	t.Helper()
	for _, obj := range objs {
		if err := s.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *session) remove(t *testing.T, obj client.Object, options ...client.DeleteOption) {
	t.Helper()
	if err := s.Delete(t.Context(), obj, options...); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

// gone waits until an object is.
func (s *session) gone(t *testing.T, obj client.Object) {
	t.Helper()
	await.Until(t, "the end of "+obj.GetName(), func() (string, bool) {
		now := obj.DeepCopyObject().(client.Object)
		err := s.Get(t.Context(), client.ObjectKeyFromObject(obj), now)
		return fmt.Sprint(now.GetFinalizers(), err), err != nil && client.IgnoreNotFound(err) == nil
	})
}
