package proxy

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/nft/nfttest"
)

// TestRunnerWakesTheProxy runs the proxy as a manager does, on a table in memory.
func TestRunnerWakesTheProxy(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	informers := &informertest.FakeInformers{Scheme: scheme}
	c, kernel := &shared{}, nfttest.New(family, "test")
	r := newProxy(worldOf().Options, c, nft.NewFor("test", kernel), &flowTable{}).runner(informers)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Start(ctx) }()

	await(t, "a table without any Service", func() bool { return has(kernel, "chain", "translate") })

	c.set(worldOf(service(), slice(at("10.84.0.5", "here"))))
	services, err := informers.FakeInformerFor(t.Context(), &ocorev1.Service{})
	if err != nil {
		t.Fatal(err)
	}
	services.Add((*ocorev1.Service)(service()))
	await(t, "the chain of a Service that has come", func() bool { return has(kernel, "chain", "service-default/web/tcp/80") })

	tx := kernel.NewTransaction()
	tx.Flush(&knftables.Map{Name: "services"})
	if err := kernel.Run(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	await(t, "the element that somebody else has flushed", func() bool {
		elements, err := kernel.ListElements(t.Context(), "map", "services")
		return err == nil && len(elements) == 1
	})

	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if r.NeedLeaderElection() {
		t.Error("waits to be elected, though each node has its own table")
	}
}

func has(kernel *nfttest.Kernel, kind, name string) bool {
	names, err := kernel.List(context.Background(), kind)
	return err == nil && slices.Contains(names, name)
}

// await fails the test if something does not hold within some seconds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("after 10 s there is not %s", what)
		}
	}
}

// shared is a cluster that changes while it is read.
type shared struct {
	cluster
	mu sync.Mutex
}

func (s *shared) set(w World) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.World = w
}

func (s *shared) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cluster.List(ctx, list, options...)
}
