package servicelb

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/network/loadbalancer"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	cloudprovider "k8s.io/cloud-provider"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// TestNoTwoServicesHaveOneAddress lets Services come, go and change their type, under both namings, while a pool has fewer addresses
// than there may be Services, and fails now and then: no two ever have the same one, in the end all that can have one do, and the others
// say why not.
func TestNoTwoServicesHaveOneAddress(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		var cloud *moody
		looptest.Check(t, looptest.Spec{
			CurrentLists: true, // as in our managers: see loop.NewInformer
			Scheme:       scheme,
			Loops: []loop.Loop{Loop(Options{Balancer: func(services client.Reader) cloudprovider.LoadBalancer {
				return cloud.For(services)
			}})},
			Prepare: func(*looptest.World) { cloud = &moody{Balancer: newPool()} },
			Start: func(t *rapid.T) []client.Object {
				var objs []client.Object
				for i := range rapid.IntRange(0, 3).Draw(t, "services") {
					objs = append(objs, gen.Service(fmt.Sprintf("s%d", i), balancing))
				}
				return objs
			},
			Change:     comeGoOrChange,
			Invariants: []looptest.Invariant{noneTwice, noneLost},
			Converged:  eachHasOneOrSaysWhy,
		})
	})
}

// poolSize is how many the pool has.
const poolSize = 2

func newPool() *loadbalancer.Balancer {
	return loadbalancer.New(loadbalancer.PoolOf(netip.MustParsePrefix("192.0.2.0/30")))
}

func comeGoOrChange(t *rapid.T, w *looptest.World) {
	services := looptest.All[*ocorev1.Service](w)
	var err error
	switch what := rapid.IntRange(0, 3).Draw(t, "what"); {
	case what == 0 && len(services) < 4:
		err = w.Client("user").Create(context.Background(), gen.Service("", balancing, func(s *ocorev1.Service) { s.UID, s.GenerateName = "", "new-" }))
	case len(services) == 0:
	case what == 1:
		err = w.Client("user").Delete(context.Background(), pick(t, services).DeepCopy())
	case what == 2:
		looptest.Edit(w, "user", pick(t, services), func(s *ocorev1.Service) {
			if s.Spec.Type == corev1.ServiceTypeLoadBalancer {
				s.Spec.Type = corev1.ServiceTypeClusterIP
			} else {
				s.Spec.Type = corev1.ServiceTypeLoadBalancer
			}
		})
	default:
		looptest.Edit(w, "user", pick(t, services), func(s *ocorev1.Service) { s.Spec.Ports[0].Port++ })
	}
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

func pick(t *rapid.T, services []*ocorev1.Service) *ocorev1.Service {
	return services[rapid.IntRange(0, len(services)-1).Draw(t, "service")]
}

func addressOf(service *ocorev1.Service) string {
	if len(service.Status.LoadBalancer.Ingress) == 0 {
		return ""
	}
	return service.Status.LoadBalancer.Ingress[0].IP
}

func noneTwice(w *looptest.World, _ looptest.Write) error {
	holders := map[string]string{}
	for _, service := range looptest.All[*ocorev1.Service](w) {
		ip := addressOf(service)
		if other := holders[ip]; ip != "" && other != "" && service.Spec.Type == corev1.ServiceTypeLoadBalancer {
			return fmt.Errorf("services %s and %s have %s", other, service.Name, ip)
		}
		if service.Spec.Type == corev1.ServiceTypeLoadBalancer {
			holders[ip] = service.Name
		}
	}
	return nil
}

func noneLost(_ *looptest.World, wrote looptest.Write) error {
	after, ok := wrote.After.(*ocorev1.Service)
	if ok && addressOf(after) != "" && after.Spec.Type == corev1.ServiceTypeLoadBalancer && !controllerutil.ContainsFinalizer(after, finalizer) && after.DeletionTimestamp == nil {
		return fmt.Errorf("service %s has an address, and nothing keeps it until that is taken back", after.Name)
	}
	return nil
}

func eachHasOneOrSaysWhy(w *looptest.World) error {
	have, want := 0, 0
	for _, service := range looptest.All[*ocorev1.Service](w) {
		failing := slices.ContainsFunc(service.Status.Conditions, saysError)
		switch has := addressOf(service) != ""; {
		case service.DeletionTimestamp != nil:
			return fmt.Errorf("service %s does not go", service.Name)
		case service.Spec.Type != corev1.ServiceTypeLoadBalancer:
			if has || failing || len(service.Finalizers) > 0 {
				return fmt.Errorf("service %s keeps a load balancer, or an error, that it wants no more", service.Name)
			}
			continue
		case has:
			have++
		}
		want++
		if has := addressOf(service) != ""; has == failing {
			return fmt.Errorf("service %s has the address %q, and the conditions %v", service.Name, addressOf(service), service.Status.Conditions)
		}
	}
	if have != min(want, poolSize) {
		return fmt.Errorf("%d services have one of %d poolSize, %d want one", have, poolSize, want)
	}
	return nil
}

func saysError(c metav1.Condition) bool { return c.Type == conditionError }

// moody is a cloud whose every third answer is an error, and which wants some time then.
type moody struct {
	*loadbalancer.Balancer
	asked int
}

func (m *moody) For(services client.Reader) cloudprovider.LoadBalancer {
	balancer := m.Balancer.For(services)
	return &moodily{balancer, balancer.(seer), m}
}

type moodily struct {
	cloudprovider.LoadBalancer
	seer
	*moody
}

func (m *moodily) fails() error {
	if m.asked++; m.asked%3 == 0 {
		return busy{errors.New("come back later")}
	}
	return nil
}

func (m *moodily) EnsureLoadBalancer(ctx context.Context, cluster string, service *corev1.Service, nodes []*corev1.Node) (*corev1.LoadBalancerStatus, error) {
	if err := m.fails(); err != nil {
		return nil, err
	}
	return m.LoadBalancer.EnsureLoadBalancer(ctx, cluster, service, nodes)
}

func (m *moodily) EnsureLoadBalancerDeleted(ctx context.Context, cluster string, service *corev1.Service) error {
	if err := m.fails(); err != nil {
		return err
	}
	return m.LoadBalancer.EnsureLoadBalancerDeleted(ctx, cluster, service)
}

// busy is an error as k8s.io/cloud-provider/api has it.
type busy struct{ error }

func (busy) RetryAfter() time.Duration { return time.Minute }
