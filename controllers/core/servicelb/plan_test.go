package servicelb

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	cloudprovider "k8s.io/cloud-provider"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// nobody is a balancer that is never asked.
func nobody(client.Reader) cloudprovider.LoadBalancer { return nil }

func balancing(service *ocorev1.Service) { service.Spec.Type = corev1.ServiceTypeLoadBalancer }

func having(ip string) func(*ocorev1.Service) {
	return func(service *ocorev1.Service) {
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: ip, IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)}}
	}
}

func held(service *ocorev1.Service) { service.Finalizers = append(service.Finalizers, finalizer) }

func leaving(service *ocorev1.Service) {
	now := gen.Ago(0)
	service.DeletionTimestamp = &now
}

func classed(name string) func(*ocorev1.Service) {
	return func(service *ocorev1.Service) { service.Spec.LoadBalancerClass = &name }
}

// ensuredFor is what is remembered of a Service that was ensured with some nodes.
func ensuredFor(service *ocorev1.Service, nodes ...*corev1.Node) *ensured {
	return &ensured{request: requestOf(service, nodes), status: service.Status.LoadBalancer}
}

func TestPlan(t *testing.T) {
	node := (*corev1.Node)(gen.Node("a"))
	settled := gen.Service("web", balancing, held, having("192.0.2.1"))
	onAnother := gen.Service("web", balancing, held, having("192.0.2.1"), func(s *ocorev1.Service) { s.Spec.Ports[0].Port = 81 })
	for _, test := range []struct {
		name    string
		service *ocorev1.Service
		world   world
		want    string
	}{
		{
			"has a load balancer made",
			gen.Service("web", balancing), world{nodes: []*corev1.Node{node}},
			`event Normal EnsuringLoadBalancer for Service default/web: Ensuring load balancer
add finalizer service.kubernetes.io/load-balancer-cleanup to Service default/web: its load balancer has to be deleted before it goes
ensure the load balancer of Service default/web with 1 nodes: it has not been asked for since the loop began
event Normal EnsuredLoadBalancer for Service default/web: Ensured load balancer`,
		},
		{
			"does so for its own class, and without nodes",
			gen.Service("web", balancing, classed("orrery.dev/load-balancer"), held), world{},
			`event Normal EnsuringLoadBalancer for Service default/web: Ensuring load balancer
ensure the load balancer of Service default/web with 0 nodes: it has not been asked for since the loop began
event Normal EnsuredLoadBalancer for Service default/web: Ensured load balancer`,
		},
		{
			"lets a Service go whose load balancer is of one that makes none any more",
			gen.Service("web", balancing, held, leaving, having("192.0.2.1")), world{retired: true, exists: true},
			`event Normal DeletingLoadBalancer for Service default/web: Deleting load balancer
delete the load balancer of Service default/web: its Service wants it no more
remove finalizer service.kubernetes.io/load-balancer-cleanup from Service default/web: its load balancer is gone
event Normal DeletedLoadBalancer for Service default/web: Deleted load balancer`,
		},
		{
			"leaves one that goes to whoever has made its load balancer",
			gen.Service("web", balancing, held, leaving, having("198.51.100.1")), world{retired: true},
			"nothing to do: nobody here makes load balancers",
		},
		{
			"has none made by a balancer that makes none any more",
			gen.Service("web", balancing), world{retired: true},
			"nothing to do: nobody here makes load balancers",
		},
		{
			"leaves another class alone, also one that is deleted",
			gen.Service("web", balancing, classed("example.com/other"), held, leaving), world{},
			"nothing to do: it wants no load balancer from here",
		},
		{"leaves another type alone", gen.Service("web"), world{}, "nothing to do: it wants no load balancer from here"},
		{
			"has nothing to do when nothing has changed",
			settled, world{nodes: []*corev1.Node{node}, ensured: ensuredFor(settled, node)},
			"nothing to do: its load balancer is as it is to be, with 1 nodes",
		},
		{
			"asks again when a port has changed",
			onAnother, world{nodes: []*corev1.Node{node}, ensured: ensuredFor(settled, node)},
			`event Normal EnsuringLoadBalancer for Service default/web: Ensuring load balancer
ensure the load balancer of Service default/web with 1 nodes: what it depends on has changed
event Normal EnsuredLoadBalancer for Service default/web: Ensured load balancer`,
		},
		{
			"asks again when somebody has changed the status",
			gen.Service("web", balancing, held, having("192.0.2.9")), world{nodes: []*corev1.Node{node}, ensured: ensuredFor(settled, node)},
			`event Normal EnsuringLoadBalancer for Service default/web: Ensuring load balancer
ensure the load balancer of Service default/web with 1 nodes: somebody else has changed its status
event Normal EnsuredLoadBalancer for Service default/web: Ensured load balancer`,
		},
		{
			"only tells of nodes when nothing else has changed",
			settled, world{nodes: []*corev1.Node{node}, ensured: ensuredFor(settled)},
			`tell the load balancer of Service default/web of 1 nodes: nodes have come or gone
event Normal UpdatedLoadBalancer for Service default/web: Updated load balancer with new hosts`,
		},
		{
			"warns when no node is left",
			settled, world{ensured: ensuredFor(settled, node)},
			`tell the load balancer of Service default/web of 0 nodes: nodes have come or gone
event Warning UnAvailableLoadBalancer for Service default/web: There are no available nodes for LoadBalancer`,
		},
		{
			"says which address it is to have, where the balancer foresees that",
			gen.Service("web", balancing, held), world{foreseen: &gen.Service("web", having("192.0.2.1")).Status.LoadBalancer},
			`event Normal EnsuringLoadBalancer for Service default/web: Ensuring load balancer
ensure the load balancer of Service default/web with 0 nodes: it is to have 192.0.2.1
event Normal EnsuredLoadBalancer for Service default/web: Ensured load balancer`,
		},
		{
			"has nothing to do when it has that",
			settled, world{foreseen: &settled.Status.LoadBalancer},
			"nothing to do: it has 192.0.2.1",
		},
		{
			"only waits while there is none for it, and says why in its status",
			gen.Service("web", balancing), world{refused: errors.New("all are taken")},
			`status Service default/web {"status":{"conditions":[{"lastTransitionTime":"2030-01-02T03:04:05Z","message":"failed to ensure load balancer: all are taken","observedGeneration":1,"reason":"SyncLoadBalancerFailed","status":"True","type":"orrery.dev/LoadBalancerError"}]}}`,
		},
		{
			"deletes it before the Service goes",
			gen.Service("web", balancing, held, leaving, having("192.0.2.1")), world{exists: true},
			`event Normal DeletingLoadBalancer for Service default/web: Deleting load balancer
delete the load balancer of Service default/web: its Service wants it no more
remove finalizer service.kubernetes.io/load-balancer-cleanup from Service default/web: its load balancer is gone
event Normal DeletedLoadBalancer for Service default/web: Deleted load balancer`,
		},
		{
			"takes the addresses from a Service of another type, although the load balancer is gone already",
			gen.Service("web", held, having("192.0.2.1")), world{},
			`status Service default/web {"status":{"loadBalancer":{"ingress":null}}}
remove finalizer service.kubernetes.io/load-balancer-cleanup from Service default/web: its load balancer is gone
event Normal DeletedLoadBalancer for Service default/web: Deleted load balancer`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Controller{Options{Balancer: nobody}.withDefaults()}
			if got := c.Plan(test.service, test.world, gen.Now).String(); got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	t.Run("has nothing to do where nobody makes load balancers", func(t *testing.T) {
		if got := (Controller{}).Plan(gen.Service("web", balancing), world{}, gen.Now).String(); got != "nothing to do: nobody here makes load balancers" {
			t.Error(got)
		}
	})
}

func TestWhichNodesMayBeSentTraffic(t *testing.T) {
	labelled := func(value string) func(*ocorev1.Node) {
		return func(node *ocorev1.Node) {
			node.Labels = map[string]string{"node.kubernetes.io/exclude-from-external-load-balancers": value}
		}
	}
	nodes := []ocorev1.Node{
		*gen.Node("plain"),
		*gen.Node("excluded", labelled("")),
		*gen.Node("included", labelled("false")),
		*gen.Node("doomed", gen.Tainted("ToBeDeletedByClusterAutoscaler", corev1.TaintEffectNoSchedule, 0)),
		*gen.Node("silent", gen.NodeSays(corev1.NodeReady, corev1.ConditionUnknown)),
	}
	if got := strings.Join(names(eligibleOf(nodes)), " "); got != "included plain silent" {
		t.Errorf("they are %s", got)
	}
}

func TestAnErrorOfTheBalancerIsACondition(t *testing.T) {
	service := gen.Service("web", balancing)
	failed := plan.Wait(time.Hour, &refusal{errors.New("all are taken")})
	said := withErrors(service, failed, gen.Now)
	if len(said.Status.Conditions) != 1 || said.Status.Conditions[0].Message != "failed to ensure load balancer: all are taken" {
		t.Errorf("the conditions are %v", said.Status.Conditions)
	}
	if other := withErrors(said, context.Canceled, gen.Now); len(other.Status.Conditions) != 1 {
		t.Error("an error of somebody else takes it away")
	}
	if mended := withErrors(said, nil, gen.Now); len(mended.Status.Conditions) != 0 {
		t.Errorf("afterwards the conditions are %v", mended.Status.Conditions)
	}
}
