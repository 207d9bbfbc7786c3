// Package live lets the loop of ResourceQuotas run against an API server, whose admission charges the same quotas.
package live

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/core/resourcequota"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var env = &envtest.Environment{CRDs: []*apiextensionsv1.CustomResourceDefinition{gadgets}}

// gadgets are a kind that nobody knew of.
var gadgets = &apiextensionsv1.CustomResourceDefinition{
	ObjectMeta: metav1.ObjectMeta{Name: "gadgets.example.com"},
	Spec: apiextensionsv1.CustomResourceDefinitionSpec{
		Group: "example.com", Scope: apiextensionsv1.NamespaceScoped,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: "Gadget", ListKind: "GadgetList", Plural: "gadgets", Singular: "gadget"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{
			OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)},
		}}},
	},
}

func TestMain(m *testing.M) { os.Exit(envtest.Main(m, env)) }

// cluster is a namespace of the server, with the loop running.
type cluster struct {
	client.Client
	t         *testing.T
	namespace string
}

func start(t *testing.T) cluster {
	t.Helper()
	mgr, err := wiring.NewManager(wiring.Cluster{Config: env.Config, Naming: apis.Kubernetes}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask, err := discovery.NewDiscoveryClientForConfig(env.Config)
	if err != nil {
		t.Fatal(err)
	}
	if err := loop.AddAll(mgr, loop.Options{AnyName: true}, resourcequota.Loop(kinds.Source{Discovery: ask})); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("running the loop: %v", err)
		}
	})
	c, err := client.New(env.Config, client.Options{Scheme: mgr.GetScheme()})
	if err != nil {
		t.Fatal(err)
	}
	return cluster{c, t, env.Namespace(t)}
}

// limits makes a quota of so many of some names, and waits until it says that nothing is in use.
func (c cluster) limits(most int64, names ...corev1.ResourceName) {
	c.t.Helper()
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: "limits"}}
	quota.Spec.Hard = corev1.ResourceList{}
	for _, name := range names {
		quota.Spec.Hard[name] = *resource.NewQuantity(most, resource.DecimalSI)
	}
	if err := c.Create(c.t.Context(), quota); err != nil {
		c.t.Fatal(err)
	}
	for _, name := range names {
		c.awaitUsed(name, 0)
	}
}

func (c cluster) awaitUsed(name corev1.ResourceName, want int64) {
	c.t.Helper()
	await.Until(c.t, fmt.Sprintf("%s: %d in use", name, want), func() (string, bool) {
		var quota corev1.ResourceQuota
		if err := c.Get(c.t.Context(), client.ObjectKey{Namespace: c.namespace, Name: "limits"}, &quota); err != nil {
			return err.Error(), false
		}
		used, said := quota.Status.Used[name]
		return fmt.Sprintf("%v", quota.Status.Used), said && used.Value() == want
	})
}

func (c cluster) in(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: c.namespace, Name: name}
}

func (c cluster) gadget(name string) client.Object {
	gadget := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Gadget"}}
	gadget.SetNamespace(c.namespace)
	gadget.SetName(name)
	return gadget
}

// What is created before anybody counts is counted; what goes is given back, of any kind.
func TestObjectsOfAnyKindAreCounted(t *testing.T) {
	c := start(t)
	objects := map[corev1.ResourceName]func(name string) client.Object{
		"secrets":                   func(name string) client.Object { return &corev1.Secret{ObjectMeta: c.in(name)} },
		"count/configmaps":          func(name string) client.Object { return &corev1.ConfigMap{ObjectMeta: c.in(name)} },
		"count/gadgets.example.com": c.gadget,
		"count/services": func(name string) client.Object {
			return &ocorev1.Service{ObjectMeta: c.in(name), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
		},
	}
	var names []corev1.ResourceName
	for name := range objects {
		names = append(names, name)
	}
	c.limits(3, names...)
	for name, object := range objects {
		for i := range 3 {
			if err := c.Create(t.Context(), object(fmt.Sprint("o", i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Create(t.Context(), object("o3")); !apierrors.IsForbidden(err) {
			t.Errorf("a fourth of %s: %v, want it refused", name, err)
		}
		c.awaitUsed(name, 3)
		if err := c.Delete(t.Context(), object("o0")); err != nil {
			t.Fatal(err)
		}
		c.awaitUsed(name, 2)
	}
}

// However many are asked for at once, no more get in than the quota allows, also while others go.
func TestNoMoreGetsInThanIsAllowed(t *testing.T) {
	c := start(t)
	const most = 10
	c.limits(most, "count/configmaps")
	for round := range 3 {
		created := c.createAtOnce(fmt.Sprint("round-", round), 4*most)
		if created > most {
			t.Fatalf("round %d: %d got in, want at most %d", round, created, most)
		}
		c.awaitUsed("count/configmaps", most)
		var all corev1.ConfigMapList
		if err := c.List(t.Context(), &all, client.InNamespace(c.namespace)); err != nil {
			t.Fatal(err)
		}
		if len(all.Items) != most {
			t.Fatalf("round %d: there are %d, want %d", round, len(all.Items), most)
		}
		for i := range all.Items[:most/2] {
			if err := c.Delete(t.Context(), &all.Items[i]); err != nil {
				t.Fatal(err)
			}
		}
		c.awaitUsed("count/configmaps", most/2)
	}
}

// createAtOnce is how many of n get in.
func (c cluster) createAtOnce(name string, n int) int64 {
	var created atomic.Int64
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			err := c.Create(c.t.Context(), &corev1.ConfigMap{ObjectMeta: c.in(fmt.Sprint(name, "-", i))})
			switch {
			case err == nil:
				created.Add(1)
			case !apierrors.IsForbidden(err):
				c.t.Error(err)
			}
		})
	}
	all.Wait()
	return created.Load()
}
