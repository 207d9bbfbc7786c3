package policy

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/nft/nfttest"
)

// TestAPodStartsWhenPoliciesHoldForIt runs the enforcer as a manager does, on a table in memory, with an agent at the gate.
func TestAPodStartsWhenPoliciesHoldForIt(t *testing.T) {
	scheme := runtime.NewScheme()
	must(t, apis.AddToScheme(scheme, apis.Kubernetes))
	m := Cluster{Namespaces: []*corev1.Namespace{namespace("a")}, Policies: []*networkingv1.NetworkPolicy{ingressPolicy("deny")}}
	kernel, gate := nfttest.New(knftables.InetFamily, "test"), NewGate()
	e := newEnforcer(Options{Name: "test", NodeName: here, Gate: gate}, apiOf(t, apis.Kubernetes, &m), nft.NewFor("test", kernel))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.runner(&informertest.FakeInformers{Scheme: scheme}).Start(ctx) }()

	pod := podAt("a", "db", netip.MustParseAddr("10.84.0.6"), here, "app", "db")
	pod.UID = "uid"
	for deadline := time.Now().Add(10 * time.Second); ; { // the agent tries again, as long as nobody enforces yet
		err := gate.Protect(t.Context(), pod, []string{"10.84.0.6"})
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	elements, err := kernel.ListElements(t.Context(), "map", "isolated-ingress")
	if err != nil || len(elements) != 1 || !slices.Equal(elements[0].Key, []string{"10.84.0.6"}) {
		t.Errorf("the pod starts, and isolated are %v (%v)", elements, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
