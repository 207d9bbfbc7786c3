package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// cluster is an API server, and nodes with simulated runtimes whose heartbeats are sent to it.
type cluster struct {
	t        *testing.T
	server   client.Client
	runtimes []*simulated.Runtime
	nodes    []*Heartbeat

	mu sync.Mutex
	// silent says which requests are not answered: "status", "lease" or "".
	silent string
}

// answer is what a real client does with every request: none succeeds once its context has ended.
func (c *cluster) answer(ctx context.Context, kind string) error {
	c.mu.Lock()
	silent := c.silent == kind
	c.mu.Unlock()
	if silent {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (c *cluster) silence(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = kind
}

func newServer(t *testing.T, funcs interceptor.Funcs) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&ocorev1.Node{}).WithInterceptorFuncs(funcs).Build()
}

func kindOf(obj client.Object) string {
	if _, ok := obj.(*coordinationv1.Lease); ok {
		return "lease"
	}
	return "status"
}

func newCluster(t *testing.T, nodes int) *cluster {
	t.Helper()
	c := &cluster{t: t}
	c.server = newServer(t, interceptor.Funcs{
		Get: func(ctx context.Context, under client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			return errors.Join(c.answer(ctx, kindOf(obj)), under.Get(ctx, key, obj, opts...))
		},
		Create: func(ctx context.Context, under client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if err := c.answer(ctx, kindOf(obj)); err != nil {
				return err
			}
			return under.Create(ctx, obj, opts...)
		},
		Update: func(ctx context.Context, under client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			if err := c.answer(ctx, kindOf(obj)); err != nil {
				return err
			}
			return under.Update(ctx, obj, opts...)
		},
		SubResourcePatch: func(ctx context.Context, under client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := c.answer(ctx, kindOf(obj)); err != nil {
				return err
			}
			return under.SubResource(sub).Patch(ctx, obj, patch, opts...)
		},
	})
	for i := range nodes {
		name := fmt.Sprintf("node-%d", i)
		rt := simulated.New(simulated.Options{})
		c.runtimes = append(c.runtimes, rt)
		c.nodes = append(c.nodes, &Heartbeat{
			Name: name, Client: c.server, Runtime: cri.WithDeadlines(rt, cri.DefaultDeadlines()), Clock: clock.RealClock{}, Observed: Observed{Name: name},
		})
	}
	return c
}

// start sends heartbeats until the test ends.
func (c *cluster) start() {
	ctx, cancel := context.WithCancel(c.t.Context())
	heartbeats := &Heartbeats{Nodes: c.nodes, Clock: clock.RealClock{}, Log: logr.Discard(), Registered: func(*Heartbeat) {}}
	ended := make(chan struct{})
	go func() {
		heartbeats.Run(ctx)
		close(ended)
	}()
	c.t.Cleanup(func() {
		cancel()
		began := time.Now()
		<-ended
		if took := time.Since(began); took > 0 {
			c.t.Errorf("the heartbeats ended %s after they were told to", took)
		}
	})
}

// ready is what the API server shows of a node's readiness.
func (c *cluster) ready(i int) corev1.NodeCondition {
	c.t.Helper()
	c.silence("")
	var node ocorev1.Node
	if err := c.server.Get(c.t.Context(), client.ObjectKey{Name: c.nodes[i].Name}, &node); err != nil {
		c.t.Fatal(err)
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition
		}
	}
	c.t.Fatalf("node %d says nothing about its readiness", i)
	return corev1.NodeCondition{}
}

// wantReady fails the test unless a node is ready, or is not, and says something with message in it.
func (c *cluster) wantReady(i int, when string, status corev1.ConditionStatus, message string) {
	c.t.Helper()
	if got := c.ready(i); got.Status != status || !strings.Contains(got.Message, message) {
		c.t.Errorf("%s node %d is ready: %s (%s), want %s (%s)", when, i, got.Status, got.Message, status, message)
	}
}

func (c *cluster) wantLease(i int, when string) {
	c.t.Helper()
	var lease coordinationv1.Lease
	if err := c.server.Get(c.t.Context(), client.ObjectKey{Namespace: corev1.NamespaceNodeLease, Name: c.nodes[i].Name}, &lease); err != nil {
		c.t.Fatal(err)
	}
	if age := time.Since(lease.Spec.RenewTime.Time); age > leaseDuration/4 {
		c.t.Errorf("%s the lease of node %d was not renewed for %s", when, i, age)
	}
}
