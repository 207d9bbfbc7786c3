package system_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/controllers/core/nodelifecycle"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// cluster is an API server with the system's loops, which all tests share. Each test has a namespace of its own.
var cluster client.Client

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctrllog.SetLogger(klog.Background())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	server, err := apiserver.Start(ctx, apiserver.Options{Ephemeral: true, TwoNames: true, Logger: logr.Discard()})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := server.WaitReady(ctx); err != nil {
		return 1, err
	}
	config, err := server.Config(identity.Admin)
	if err != nil {
		return 1, err
	}
	config.QPS = -1
	stop, err := startLoops(ctx, config, server.CA())
	if err != nil {
		return 1, err
	}
	code = m.Run()
	return code, stop()
}

// startLoops runs the loops until the function that it returns is called.
func startLoops(ctx context.Context, config *rest.Config, ca []byte) (stop func() error, err error) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		return nil, err
	}
	mgr, err := manager.New(config, manager.Options{Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		return nil, err
	}
	if err := addLoops(mgr, ca); err != nil {
		return nil, err
	}
	if cluster, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}, nil
}

func addLoops(mgr manager.Manager, ca []byte) error {
	kinds, err := discovery.NewDiscoveryClientForConfig(mgr.GetConfig())
	if err != nil {
		return err
	}
	options := controllers.Options{
		Discovery:       kinds,
		Canonical:       apis.Kubernetes.GroupKind,
		RootCA:          ca,
		NamespaceSettle: time.Second,
		ClusterCIDRs:    []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")},
		NodeLifecycle:   nodelifecycle.Options{MonitorGracePeriod: grace, StartupGracePeriod: grace},
	}
	return controllers.AddTo(mgr, options)
}

// grace is how long nodes may be silent.
const grace = 3 * time.Second

// patience is how long a test waits for what it expects.
const patience = 30 * time.Second

// eventually waits until check is content, and says on failure with what it was not.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	began := time.Now()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			t.Logf("%s after %s", what, time.Since(began).Round(time.Millisecond))
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not after %s: %v", what, patience, err)
		}
	}
}

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
