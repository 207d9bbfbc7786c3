package loadbalancer

import (
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	cloudprovider "k8s.io/cloud-provider"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// reading is what reads some Services.
func reading(t *testing.T, services ...*corev1.Service) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	builder := fake.NewClientBuilder().WithScheme(scheme)
	for _, s := range services {
		builder.WithObjects((*ocorev1.Service)(s.DeepCopy()))
	}
	return builder.Build()
}

func ensure(t *testing.T, balancer cloudprovider.LoadBalancer, service *corev1.Service) string {
	t.Helper()
	status, err := balancer.EnsureLoadBalancer(t.Context(), "kubernetes", service, nil)
	if err != nil {
		t.Fatal(err)
	}
	if mode := status.Ingress[0].IPMode; mode == nil || *mode != corev1.LoadBalancerIPModeVIP {
		t.Errorf("the mode is %v, want VIP", mode)
	}
	return status.Ingress[0].IP
}

func TestTwoServicesGetTwoAddressesBeforeEitherShowsIts(t *testing.T) {
	one, two := web(), other("two", "")
	balancer := New(PoolOf(netip.MustParsePrefix("192.0.2.0/29"))).For(reading(t, one, two))
	if first, second := ensure(t, balancer, one), ensure(t, balancer, two); first != "192.0.2.1" || second != "192.0.2.2" {
		t.Errorf("they get %s and %s", first, second)
	}
	if again := ensure(t, balancer, one); again != "192.0.2.1" {
		t.Errorf("asked again, the first gets %s", again)
	}
}

func TestAnAddressIsFreeAgainWhenItsServiceIsGone(t *testing.T) {
	one, two := web(), other("two", "")
	b := New(PoolOf(netip.MustParsePrefix("192.0.2.1/32")))
	ensure(t, b.For(reading(t, one, two)), one)
	if _, err := b.For(reading(t, one, two)).EnsureLoadBalancer(t.Context(), "kubernetes", two, nil); err == nil {
		t.Error("two Services get one address")
	}
	if got := ensure(t, b.For(reading(t, two)), two); got != "192.0.2.1" {
		t.Errorf("it gets %s", got)
	}
}

func TestABalancerKnowsWhatItsServicesHave(t *testing.T) {
	has, has2, none := web(having("192.0.2.1")), web(having("198.51.100.1")), web()
	balancer := New(PoolOf(netip.MustParsePrefix("192.0.2.0/29"))).For(reading(t, none))
	for _, c := range []struct {
		name    string
		service *corev1.Service
		exists  bool
	}{
		{"an address of the pool, from before a restart", has, true},
		{"one that is somebody else's", has2, false},
		{"none", none, false},
	} {
		if _, exists, err := balancer.GetLoadBalancer(t.Context(), "kubernetes", c.service); err != nil || exists != c.exists {
			t.Errorf("%s: a load balancer exists: %t (%v)", c.name, exists, err)
		}
	}
	ensure(t, balancer, none)
	if _, exists, err := balancer.GetLoadBalancer(t.Context(), "kubernetes", none); err != nil || !exists {
		t.Errorf("after one was made it exists: %t (%v)", exists, err)
	}
	if err := balancer.EnsureLoadBalancerDeleted(t.Context(), "kubernetes", none); err != nil {
		t.Fatal(err)
	}
	if _, exists, err := balancer.GetLoadBalancer(t.Context(), "kubernetes", none); err != nil || exists {
		t.Errorf("after it was deleted it exists: %t (%v)", exists, err)
	}
}

func TestABalancerThatIsRetiredOnlyTakesBack(t *testing.T) {
	has, others := web(having("192.0.2.1")), web(having("198.51.100.1"))
	balancer := Retired(PoolOf(netip.MustParsePrefix("192.0.2.0/29"))).For(reading(t, has))
	if retired, ok := balancer.(interface{ OnlyTakesBack() bool }); !ok || !retired.OnlyTakesBack() {
		t.Error("it does not say so")
	}
	if retired, ok := New(Pool{}).For(reading(t)).(interface{ OnlyTakesBack() bool }); !ok || retired.OnlyTakesBack() {
		t.Error("one that is not says so")
	}
	for service, want := range map[*corev1.Service]bool{has: true, others: false} {
		if _, exists, err := balancer.GetLoadBalancer(t.Context(), "kubernetes", service); err != nil || exists != want {
			t.Errorf("%s is its to take back: %t (%v), want %t", service.Status.LoadBalancer.Ingress[0].IP, exists, err, want)
		}
	}
}
