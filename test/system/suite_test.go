package system_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/test/auditlog"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// env is an API server with the system's loops, which all tests share, and cluster an administrator's client of it. Each test has a
// namespace of its own.
var (
	env     = &envtest.Environment{TwoNames: true}
	cluster client.Client
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "audit")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log, err := auditlog.New(dir)
	if err != nil {
		return 1, err
	}
	env.ControlPlane.GetAPIServer().Configure().Append("audit-policy-file", log.Policy).Append("audit-log-path", log.Path)
	env.Components = []envtest.Component{{Name: "controllers", Identity: identity.ControllerCache, Run: runControllers}}
	config, err := env.Start()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, env.Stop(), nothingWasRefused(log)) }()
	scheme, err := wiring.Scheme(apis.Kubernetes)
	if err != nil {
		return 1, err
	}
	if cluster, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// nothingWasRefused reports what the loops were refused in the whole suite.
func nothingWasRefused(log auditlog.Log) error {
	refusals, err := log.Refusals()
	for _, refusal := range refusals {
		err = errors.Join(err, errors.New(refusal))
	}
	return err
}

// runControllers runs all loops, for nodes of which one that is silent is missed soon.
func runControllers(ctx context.Context, config *rest.Config) error {
	controllers, err := wiring.NewControllers(wiring.Cluster{
		Config: config, ConfigOf: env.Server().ControllerConfig, Naming: apis.Kubernetes, Own: true,
	}, wiring.ControllersOptions{
		Loops: wiring.Loops{
			Cluster:       true,
			ClusterCIDRs:  []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")},
			NodeLifecycle: nodelifecycle.Options{MonitorGracePeriod: grace, StartupGracePeriod: grace},
		},
	})
	if err != nil {
		return err
	}
	return controllers.Run(ctx)
}

// grace is how long nodes may be silent.
const grace = 3 * time.Second

// gone is a check that an object does not exist, or not under its UID.
func gone(t *testing.T, obj client.Object) func() error {
	return func() error {
		now := obj.DeepCopyObject().(client.Object)
		err := cluster.Get(t.Context(), client.ObjectKeyFromObject(obj), now)
		if apierrors.IsNotFound(err) || err == nil && now.GetUID() != obj.GetUID() {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%s exists: finalizers %v, owners %v", obj.GetName(), now.GetFinalizers(), now.GetOwnerReferences())
		}
		return err
	}
}

// namespaceOf makes a namespace for a test.
func namespaceOf(t *testing.T) *corev1.Namespace {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	create(t, namespace)
	return namespace
}

func create(t *testing.T, objs ...client.Object) {
	t.Helper()
	for _, obj := range objs {
		if err := cluster.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(t *testing.T, obj client.Object, how metav1.DeletionPropagation) {
	t.Helper()
	if err := cluster.Delete(t.Context(), obj, client.PropagationPolicy(how)); err != nil {
		t.Fatal(err)
	}
}
