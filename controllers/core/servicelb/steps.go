package servicelb

import (
	"context"
	"errors"
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	cloudprovider "k8s.io/cloud-provider"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// order is about which load balancer a balancer is asked.
type order struct {
	Options
	service *ocorev1.Service
	nodes   []*corev1.Node
}

func (c Controller) order(service *ocorev1.Service, nodes []*corev1.Node) order {
	return order{c.Options, service, nodes}
}

func (o order) upstream() *corev1.Service { return (*corev1.Service)(o.service) }

func (o order) name() string {
	return "the load balancer of Service " + client.ObjectKeyFromObject(o.service).String()
}

// ensure has a load balancer made or changed, and writes its addresses into the status of its Service.
type ensure struct {
	order
	why string
	// done learns what the balancer answered.
	done *ensured
}

var _ plan.Step = (*ensure)(nil)

func (*ensure) Verb() string { return "ensure" }

func (s *ensure) String() string {
	return fmt.Sprintf("ensure %s with %d nodes", s.name(), len(s.nodes))
}

func (s *ensure) Why() string { return s.why }

// Do asks again for what there is already, which balancers have to bear.
func (s *ensure) Do(ctx context.Context, act plan.Actor) error {
	status, err := s.Balancer(act).EnsureLoadBalancer(ctx, s.ClusterName, s.upstream(), s.nodes)
	switch {
	case errors.Is(err, cloudprovider.ImplementedElsewhere):
		s.done.status = s.service.Status.LoadBalancer
		return nil
	case err != nil:
		return s.failed(act, &refusal{err})
	case status == nil:
		return s.failed(act, &refusal{errors.New("the balancer answered no status")})
	}
	s.done.status = *status
	if sameStatus(*status, s.service.Status.LoadBalancer) {
		return nil
	}
	wanted := s.service.DeepCopy()
	wanted.Status.LoadBalancer = *status
	return plan.New().Status(s.service, wanted).Do(ctx, act)
}

// failed tells of an error, in Kubernetes' words, and when to ask again.
func (o order) failed(act plan.Actor, err error) error {
	act.RecordOnce(plan.Event{Regarding: o.service, Type: plan.Warning, Reason: reasonSyncFailed, Message: said(err)})
	return later(err)
}

// later is an error with the time after which a balancer wants to be asked again, if it has said one.
func later(err error) error {
	var says interface{ RetryAfter() time.Duration }
	if errors.As(err, &says) {
		return plan.Wait(says.RetryAfter(), err)
	}
	return err
}

// update tells a balancer which Nodes there are.
type update struct{ order }

var _ plan.Step = (*update)(nil)

func (*update) Verb() string { return "update" }

func (s *update) String() string { return fmt.Sprintf("tell %s of %d nodes", s.name(), len(s.nodes)) }

func (*update) Why() string { return "nodes have come or gone" }

func (s *update) Do(ctx context.Context, act plan.Actor) error {
	err := s.Balancer(act).UpdateLoadBalancer(ctx, s.ClusterName, s.upstream(), s.nodes)
	if err == nil || errors.Is(err, cloudprovider.ImplementedElsewhere) {
		return nil
	}
	act.RecordOnce(plan.Event{
		Regarding: s.service, Type: plan.Warning, Reason: reasonUpdateFailed,
		Message: fmt.Sprintf("Error updating load balancer with new hosts %v [node names limited, total number of nodes: %d], error: %v",
			names(s.nodes), len(s.nodes), err),
	})
	return later(fmt.Errorf("telling %s of nodes: %w", s.name(), err))
}

// maxNames is how many Nodes an event names.
const maxNames = 20

func names(nodes []*corev1.Node) []string {
	var all []string
	for i, node := range nodes {
		if i == maxNames {
			return append(all, fmt.Sprintf("<%d more>", len(nodes)-maxNames))
		}
		all = append(all, node.Name)
	}
	return all
}

// remove has a load balancer deleted.
type remove struct{ order }

var _ plan.Step = (*remove)(nil)

func (*remove) Verb() string { return "remove" }

func (s *remove) String() string { return "delete " + s.name() }

func (*remove) Why() string { return "its Service wants it no more" }

func (s *remove) Do(ctx context.Context, act plan.Actor) error {
	err := s.Balancer(act).EnsureLoadBalancerDeleted(ctx, s.ClusterName, s.upstream())
	if err == nil || errors.Is(err, cloudprovider.ImplementedElsewhere) {
		return nil
	}
	return s.failed(act, fmt.Errorf("failed to delete load balancer: %w", err))
}
