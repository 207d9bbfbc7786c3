package proxy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/nft/nfttest"
)

// holding is a world whose table holds what another world wants.
func holding(before, w World) World {
	w.Present = tableFor(before)
	return w
}

// telling is a world where something is said at health check node ports.
func telling(w World, said map[int32]health) World {
	w.Healths = said
	return w
}

func TestPlan(t *testing.T) {
	one, two := slice(at("10.84.0.5", "here")), slice(at("10.84.0.5", "here"), at("10.84.1.6", "there"))
	udp := worldOf(service(overUDP), protocol(corev1.ProtocolUDP, slice(at("10.84.0.5", "here"))))
	due := holding(udp, udp)
	due.FlowsDue = true
	foreign := holding(worldOf(service(), one), worldOf(service(), one))
	foreign.Present.Chains[0].Foreign = true
	missing := worldOf(service(), one)
	missing.Present = &nft.Table{Unknown: "it is not there"}

	local := worldOf(service(balanced(), externalLocal, func(s *corev1.Service) { s.Spec.HealthCheckNodePort = 30100 }),
		slice(at("10.84.0.5", "here"), terminating("10.84.0.6", "here"), at("10.84.1.6", "there")))

	for _, c := range []struct {
		name  string
		world World
		want  string
	}{
		{"does nothing where the table holds what is wanted", holding(worldOf(service(), one), worldOf(service(), one)), `
nothing to do: the table holds what Services and EndpointSlices want`},
		{"adds a service with its endpoints", holding(worldOf(), worldOf(service(), two)), `
in one transaction:
  add element 10.84.0.5 . 10.84.0.5 to set hairpins: an endpoint on this node may ask itself
  add element 10.96.0.10 . tcp . 80 to map services: Service default/web has 2 ready endpoints
  add chain service-default/web/tcp/80 with 2 rules: Service default/web has 2 ready endpoints`},
		{"changes one chain when an endpoint comes", holding(worldOf(service(), one), worldOf(service(), two)), `
in one transaction:
  write 2 rules to chain service-default/web/tcp/80: Service default/web has 2 ready endpoints`},
		{"refuses when the last endpoint goes", holding(worldOf(service(), one), worldOf(service())), `
in one transaction:
  delete element 10.84.0.5 . 10.84.0.5 from set hairpins
  add element 10.96.0.10 . tcp . 80 to set refused: Service default/web has no ready endpoint
  delete element 10.96.0.10 . tcp . 80 from map services
  delete chain service-default/web/tcp/80`},
		{"writes all where there is nothing", missing, `
in one transaction:
  write table orrery-test-services anew, with 10 chains and 5 sets: it is not there`},
		{"repairs a chain that somebody else has changed", foreign, `
in one transaction:
  write 1 rule to chain filter-forward: somebody else has changed it`},
		{"forgets flows after each change where there is UDP", holding(worldOf(), udp), `
in one transaction:
  add element 10.84.0.5 . 10.84.0.5 to set hairpins: an endpoint on this node may ask itself
  add element 10.96.0.10 . udp . 80 to map services: Service default/web has 1 ready endpoint
  add chain service-default/web/udp/80 with 2 rules: Service default/web has 1 ready endpoint
forget flows of UDP to 1 port of services and 0 node ports, unless one of their endpoints answers: the table has changed, and flows go on as they began`},
		{"forgets the flows of a service that is gone", holding(udp, worldOf()), `
in one transaction:
  delete element 10.84.0.5 . 10.84.0.5 from set hairpins
  delete element 10.96.0.10 . udp . 80 from map services
  delete chain service-default/web/udp/80
forget flows of UDP to 1 port of services and 0 node ports, unless one of their endpoints answers: the table has changed, and flows go on as they began`},
		{"tells load balancers how many endpoints are here", telling(holding(local, local), nil), `
tell at health check node port 30100 of 1 endpoint on this node: Service default/web keeps traffic where its endpoints are`},
		{"tells them when that changes", telling(holding(local, local), map[int32]health{30100: {types.NamespacedName{Namespace: "default", Name: "web"}, 2}}), `
tell at health check node port 30100 of 1 endpoint on this node: Service default/web keeps traffic where its endpoints are`},
		{"tells them nothing new otherwise, and closes the port of a Service that is gone", telling(holding(local, local), map[int32]health{
			30100: {types.NamespacedName{Namespace: "default", Name: "web"}, 1}, 30101: {types.NamespacedName{Namespace: "default", Name: "gone"}, 1},
		}), `
close health check node port 30101: no Service has it any more`},
		{"forgets flows that were not forgotten when the table was written", due, `
forget flows of UDP to 1 port of services and 0 node ports, unless one of their endpoints answers: the table has changed, and flows go on as they began`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimSpace(c.want), Plan(c.world).String()); diff != "" {
				t.Errorf("the plan differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForgettingThatFailedIsDoneAgain(t *testing.T) {
	c, flows := &cluster{World: worldOf(service(overUDP))}, &flowTable{}
	p := newProxy(c.Options, c, nft.NewFor("test", nfttest.New(family, "test")), flows)
	p.settle(t)

	c.World = worldOf(service(overUDP), protocol(corev1.ProtocolUDP, slice(at("10.84.0.5", "here"))))
	flows.fail = true
	if err := p.Sync(t.Context()); err == nil {
		t.Fatal("nobody is told that flows were not forgotten")
	}
	p.settle(t)
	flows.check(t, c.World)
	if recent := p.Inspector().Recent("all"); len(recent) != 3 || recent[1].Error == "" || recent[0].Error != "" {
		t.Errorf("the history is %+v, want three plans of which the second failed", recent)
	}
}

func TestAPreviewChangesNothing(t *testing.T) {
	c, kernel := &cluster{World: worldOf(service())}, nfttest.New(family, "test")
	p := newProxy(c.Options, c, nft.NewFor("test", kernel), &flowTable{})
	said, err := p.Inspector().Preview(t.Context(), engine.One{}.String())
	if err != nil || !strings.Contains(said, "it is not there") {
		t.Errorf("the plan is %q (%v)", said, err)
	}
	if kernel.Table != nil {
		t.Error("there is a table")
	}
}
