package servicelb

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// finalizer keeps a Service until its load balancer is gone.
const finalizer = "service.kubernetes.io/load-balancer-cleanup"

// Plan has the load balancer of a Service made, told of Nodes, or deleted.
func (c Controller) Plan(service *ocorev1.Service, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case c.Balancer == nil, w.retired && (!leaves(service) || !w.exists):
		p.Because("nobody here makes load balancers")
	case leaves(service):
		c.release(p, service, w, now)
	case !wants(service):
		p.Because("it wants no load balancer from here")
	default:
		c.provide(p, service, w, now)
	}
	return p
}

// provide has the balancer asked, unless it has answered what there is.
func (c Controller) provide(p *plan.Plan, service *ocorev1.Service, w world, now time.Time) {
	present := service.Status.LoadBalancer
	switch {
	case w.refused != nil:
		refused := &refusal{w.refused}
		p.EventOnce(service, plan.Warning, reasonSyncFailed, "%s", said(refused))
		p.Status(service, withErrors(service, refused, now))
		p.Because(fmt.Sprintf("it can have no load balancer: %s", w.refused))
	case w.foreseen != nil && !sameStatus(*w.foreseen, present):
		c.ensure(p, service, w, now, fmt.Sprintf("it is to have %s", addresses(w.foreseen)))
	case w.foreseen != nil:
		p.AddFinalizer("its load balancer has to be deleted before it goes", service, finalizer)
		p.Status(service, withErrors(service, nil, now))
		p.Because(fmt.Sprintf("it has %s", addresses(w.foreseen)))
	case w.ensured == nil:
		c.ensure(p, service, w, now, "it has not been asked for since the loop began")
	case !w.ensured.like(requestOf(service, w.nodes)):
		c.ensure(p, service, w, now, "what it depends on has changed")
	case !sameStatus(w.ensured.status, present):
		c.ensure(p, service, w, now, "somebody else has changed its status")
	case !w.ensured.sameNodes(requestOf(service, w.nodes)):
		c.tellOfNodes(p, service, w)
	default:
		p.Because(fmt.Sprintf("its load balancer is as it is to be, with %d nodes", len(w.nodes)))
	}
}

// ensure has the balancer asked, and its answer remembered.
func (c Controller) ensure(p *plan.Plan, service *ocorev1.Service, w world, now time.Time, why string) {
	done := &ensured{request: requestOf(service, w.nodes)}
	p.Event(service, plan.Normal, reasonEnsuring, "Ensuring load balancer")
	p.AddFinalizer("its load balancer has to be deleted before it goes", service, finalizer)
	if w.foreseen == nil && len(w.nodes) == 0 {
		p.EventOnce(service, plan.Warning, reasonUnavailable, "There are no available nodes for LoadBalancer")
	}
	p.Do(&ensure{c.order(service, w.nodes), why, done})
	p.Event(service, plan.Normal, reasonEnsured, "Ensured load balancer")
	p.StatusAfter(service, func(failed error) client.Object { return withErrors(service, failed, now) })
	remember(p, done)
}

// remember leaves to later passes what the balancer was asked for, if it has not failed.
func remember(p *plan.Plan, done *ensured) {
	p.Remember(func(failed error) any {
		if failed != nil {
			return (*ensured)(nil)
		}
		return done
	})
}

// tellOfNodes has the balancer told which Nodes there are.
func (c Controller) tellOfNodes(p *plan.Plan, service *ocorev1.Service, w world) {
	p.Do(&update{c.order(service, w.nodes)})
	remember(p, &ensured{requestOf(service, w.nodes), w.ensured.status})
	if len(w.nodes) == 0 {
		p.Event(service, plan.Warning, reasonUnavailable, "There are no available nodes for LoadBalancer")
	} else {
		p.Event(service, plan.Normal, reasonUpdated, "Updated load balancer with new hosts")
	}
}

// release has the load balancer deleted, and then lets the Service go.
func (c Controller) release(p *plan.Plan, service *ocorev1.Service, w world, now time.Time) {
	if w.exists {
		p.Event(service, plan.Normal, reasonDeleting, "Deleting load balancer")
		p.Do(&remove{c.order(service, nil)})
	}
	p.StatusAfter(service, func(failed error) client.Object { return released(service, failed, now) })
	if holds(service) {
		p.RemoveFinalizer("its load balancer is gone", service, finalizer)
		p.Event(service, plan.Normal, reasonDeleted, "Deleted load balancer")
	}
}
