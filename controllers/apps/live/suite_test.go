// Package live lets the loops of Deployments, ReplicaSets and EndpointSlices run against an API server, under both
// namings: built-in kinds, and custom resources on a server that knows nothing of them.
package live

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/apps/deployment"
	"github.com/orrery-dev/orrery/controllers/apps/replicaset"
	"github.com/orrery-dev/orrery/controllers/discovery/endpointslice"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var env = &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "..", "config", "crd", "bases")}}

func TestMain(m *testing.M) { os.Exit(envtest.Main(m, env)) }

// cluster is a namespace of the server, seen under one naming, with the loops running.
type cluster struct {
	client.Client
	naming    apis.Naming
	namespace string
}

// eachNaming runs a test under both namings.
func eachNaming(t *testing.T, test func(*testing.T, *cluster)) {
	for _, naming := range apis.Namings() {
		t.Run(naming.String(), func(t *testing.T) { test(t, start(t, naming)) })
	}
}

func start(t *testing.T, naming apis.Naming) *cluster {
	t.Helper()
	mgr, err := wiring.NewManager(wiring.Cluster{Config: env.Config, Naming: naming}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := loop.AddAll(mgr, loop.Options{}, deployment.Loop(), replicaset.Loop(), endpointslice.Loop(), kubelet()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("running the loops: %v", err)
		}
	})
	c, err := client.New(env.Config, client.Options{Scheme: mgr.GetScheme()})
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{Client: c, naming: naming, namespace: env.Namespace(t)}
}

// broken is an image that runs and never gets ready.
const broken = "broken"

// pretender plays the kubelet: pods run and get ready where they are, and end when they are told to.
type pretender struct{}

func kubelet() loop.Loop { return loop.New[*ocorev1.Pod, struct{}]("kubelet", pretender{}) }

func (pretender) Observe(context.Context, loop.View, *ocorev1.Pod) (struct{}, error) {
	return struct{}{}, nil
}

func (pretender) Plan(pod *ocorev1.Pod, _ struct{}, now time.Time) *plan.Plan {
	p := plan.New()
	if pod.DeletionTimestamp != nil {
		p.Delete("it has ended", pod).With(client.GracePeriodSeconds(0))
		return p
	}
	if len(pod.Status.PodIPs) > 0 || strings.Contains(pod.Spec.Containers[0].Image, broken) {
		return p
	}
	ready := pod.DeepCopy()
	ready.Status.Phase = corev1.PodRunning
	ready.Status.PodIP = "10.1.2.3"
	ready.Status.PodIPs = []corev1.PodIP{{IP: "10.1.2.3"}}
	ready.Status.Conditions = append(ready.Status.Conditions, corev1.PodCondition{
		Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now),
	})
	p.Status(pod, ready)
	return p
}

// create creates the Deployment web.
func (c *cluster) create(t *testing.T, changes ...func(*oappsv1.Deployment)) {
	t.Helper()
	d := gen.Deployment("web", changes...)
	d.Namespace, d.UID = c.namespace, ""
	if err := c.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// change changes it.
func (c *cluster) change(t *testing.T, change func(*oappsv1.Deployment)) {
	t.Helper()
	observed := c.deployment(t)
	wanted := observed.DeepCopy()
	change(wanted)
	if err := c.Patch(t.Context(), wanted, client.MergeFrom(observed)); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) deployment(t *testing.T) *oappsv1.Deployment {
	t.Helper()
	var d oappsv1.Deployment
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: c.namespace, Name: "web"}, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func (c *cluster) replicaSets(t *testing.T) []oappsv1.ReplicaSet {
	t.Helper()
	var list oappsv1.ReplicaSetList
	if err := c.List(t.Context(), &list, client.InNamespace(c.namespace)); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// rolledOut waits until the Deployment is complete.
func (c *cluster) rolledOut(t *testing.T) *oappsv1.Deployment {
	t.Helper()
	await.Success(t, "the Deployment is complete", func() error {
		d := c.deployment(t)
		want := *d.Spec.Replicas
		if s := d.Status; s.ObservedGeneration != d.Generation || s.Replicas != want || s.UpdatedReplicas != want || s.AvailableReplicas != want {
			return fmt.Errorf("generation %d, %+v", d.Generation, s)
		}
		return nil
	})
	return c.deployment(t)
}
