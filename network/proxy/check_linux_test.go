package proxy

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/nft/nfttest"
)

// TestCheck plays random stories on a table in memory: whatever happened, the table comes to be the one that is written anew, and then
// there is nothing more to do.
func TestCheck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kernel := nfttest.New(family, TableName("test"))
		play(t, stories.Draw(t, "story"), &stage{
			client:   func() *nft.Client { return nft.NewFor(TableName("test"), kernel) },
			others:   kernel,
			fail:     func(next bool) { kernel.Fail = next },
			contents: func() []string { return contents(kernel.Fake) },
		})
	})
}

// TestKernelCheck plays some of them on the kernel itself, which minds the order of changes.
func TestKernelCheck(t *testing.T) {
	needsKernel(t)
	newHost(t, apis.Kubernetes)
	others, err := knftables.New(family, TableName("test"))
	if err != nil {
		t.Fatal(err)
	}
	for seed := range 10 {
		play(t, stories.Example(seed), &stage{
			client: func() *nft.Client {
				c, err := nft.New(family, TableName("test"))
				if err != nil {
					t.Fatal(err)
				}
				return c
			},
			others:   others,
			fail:     func(bool) {},
			contents: func() []string { return listing(t) },
		})
	}
}

// event is one thing that happens in a story.
type event struct {
	kind  string
	world World
	// pick chooses among what is there.
	pick int
}

// stories are up to ten random events.
var stories = rapid.Custom(func(t *rapid.T) []event {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event {
		e := event{kind: rapid.SampledFrom([]string{
			"world", "world", "pass", "pass", "crash", "restart", "failure", "unforgotten",
			"table deleted", "chain flushed", "rule added", "rule deleted", "chain added", "set flushed", "element deleted", "element added",
		}).Draw(t, "kind"), pick: rapid.IntRange(0, 20).Draw(t, "pick")}
		if e.kind == "world" {
			e.world = randomWorld(t)
		}
		return e
	}), 1, 10).Draw(t, "events")
})

// play has the events happen, and checks how it ends.
func play(t rapid.TB, story []event, s *stage) {
	t.Helper()
	c, flows := &cluster{World: dual(worldOf())}, &flowTable{}
	start := func() *Proxy { return newProxy(c.Options, c, s.client(), flows) }
	p := start()
	for _, e := range story {
		switch e.kind {
		case "world":
			c.World = e.world
		case "pass":
			_ = p.Sync(context.Background()) // it may fail, if that is in the story
		case "crash":
			p.takeSome(t, e.pick)
			p = start()
		case "restart":
			p = start()
		case "failure":
			s.fail(true)
		case "unforgotten":
			flows.fail = true
		default:
			s.change(t, e)
		}
	}
	p.settle(t)
	flows.check(t, c.World)

	s.fail(false) // if nothing was written since
	before := s.contents()
	if err := p.Remove(context.Background()); err != nil {
		t.Fatal(err)
	}
	start().settle(t)
	if diff := cmp.Diff(s.contents(), before); diff != "" {
		t.Fatalf("the table differs (-written anew +changed):\n%s", diff)
	}
	if err := p.Remove(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// settle makes passes until there is nothing to do.
func (p *Proxy) settle(t rapid.TB) {
	t.Helper()
	for range 3 { // at most one fails because the story says so, and one because of what it left
		_ = p.Sync(context.Background()) // the plan tells
		plan, err := p.engine.Preview(context.Background(), engine.One{})
		if err != nil {
			t.Fatal(err)
		}
		if plan.Empty() {
			return
		}
	}
	plan, _ := p.Inspector().Preview(context.Background(), "all")
	t.Fatalf("after three passes there is still something to do:\n%s", plan)
}

// takeSome takes the first steps of a plan and no more, as before a crash.
func (p *Proxy) takeSome(t rapid.TB, pick int) {
	t.Helper()
	plan, err := p.engine.Preview(context.Background(), engine.One{})
	if err != nil {
		t.Fatal(err)
	}
	steps := plan.Steps()
	for _, step := range steps[:pick%(len(steps)+1)] {
		_ = step.Do(context.Background(), p.node) // it may fail, if that is in the story
	}
}

// randomWorld is one with two families, of which Services have one or both.
func randomWorld(t *rapid.T) World {
	w := randomIPv4(t)
	both := dual(w)
	if !rapid.Bool().Draw(t, "dual") {
		both.Services, both.Slices = w.Services, w.Slices
	}
	return both
}

// randomIPv4 has up to four services of all sorts, with up to four endpoints each.
func randomIPv4(t *rapid.T) World {
	w := worldOf()
	for i := range 4 {
		if !rapid.Bool().Draw(t, "exists") {
			continue
		}
		name, ip := fmt.Sprintf("web-%d", i), fmt.Sprintf("10.96.0.%d", 10+i)
		s := service(func(s *corev1.Service) { s.Name, s.Spec.ClusterIP, s.Spec.ClusterIPs = name, ip, []string{ip} })
		for _, option := range []func(*corev1.Service){nodePort, balancedAt(i), affine, internalLocal, externalLocal, overUDP} {
			if rapid.Bool().Draw(t, "option") {
				option(s)
			}
		}
		if s.Spec.Ports[0].NodePort != 0 {
			s.Spec.Ports[0].NodePort += int32(i)
		}
		w.Services = append(w.Services, s)

		var endpoints []discoveryv1.Endpoint
		for j := range rapid.IntRange(0, 4).Draw(t, "endpoints") {
			endpoint := rapid.SampledFrom([]func(ip, node string) discoveryv1.Endpoint{at, terminating, unready}).Draw(t, "condition")
			endpoints = append(endpoints, endpoint(fmt.Sprintf("10.84.0.%d", 4*i+j), rapid.SampledFrom([]string{"here", "there"}).Draw(t, "node")))
		}
		w.Slices = append(w.Slices, protocol(s.Spec.Ports[0].Protocol, of(name, slice(endpoints...))))
	}
	return w
}

// balancedAt gives a Service an address of its own.
func balancedAt(i int) func(*corev1.Service) {
	return func(s *corev1.Service) {
		balanced("192.0.2.0/24")(s)
		s.Status.LoadBalancer.Ingress[0].IP = fmt.Sprintf("10.84.254.%d", 10+i)
	}
}

func overUDP(s *corev1.Service) { s.Spec.Ports[0].Protocol = corev1.ProtocolUDP }
