package servicelb

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	cloudprovider "k8s.io/cloud-provider"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Options say who makes load balancers.
type Options struct {
	// Balancer is who makes them, given what reads Services as the loop sees them. Nil means that nobody does, and that Services wait
	// for somebody else.
	Balancer func(services client.Reader) cloudprovider.LoadBalancer
	// ClusterName is what the balancer knows the cluster by; empty means "kubernetes".
	ClusterName string
}

func (o Options) withDefaults() Options {
	if o.ClusterName == "" {
		o.ClusterName = "kubernetes"
	}
	return o
}

// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=services/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=nodes,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for Services.
type Controller struct{ Options }

var _ loop.Controller[*ocorev1.Service, world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.New("service-lb-controller", Controller{options.withDefaults()},
		loop.RecordsAs("service-controller"),
		loop.When(predicate.NewPredicateFuncs(concerned)),
		loop.Watches(waiting, letsGo),
		loop.Watches(balanced, loop.Update(otherNode)),
	)
}

// concerned reports that an object is a Service that has a load balancer from us, or is to have one.
func concerned(obj client.Object) bool {
	service, ok := obj.(*ocorev1.Service)
	return ok && (wants(service) || leaves(service))
}

// waiting names the Services that have no load balancer yet: what another one lets go of may be what they wait for.
func waiting(ctx context.Context, read client.Reader, changed *ocorev1.Service) ([]client.ObjectKey, error) {
	return those(ctx, read, func(service *ocorev1.Service) bool {
		return service.UID != changed.UID && len(service.Status.LoadBalancer.Ingress) == 0
	})
}

// letsGo lets pass that a Service has other addresses than before, or none any more, and each that goes: what is last seen of one may not
// tell that it had an address, if it was changed while it went.
var letsGo = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: loop.Update(func(was, is *ocorev1.Service) bool {
		return !sameStatus(was.Status.LoadBalancer, is.Status.LoadBalancer) || was.Spec.Type != is.Spec.Type || holds(was) != holds(is)
	}).UpdateFunc,
}

// balanced names the Services that have load balancers, which send to Nodes.
func balanced(ctx context.Context, read client.Reader, _ *ocorev1.Node) ([]client.ObjectKey, error) {
	return those(ctx, read, func(*ocorev1.Service) bool { return true })
}

// otherNode lets pass that a Node comes or goes, or may be sent traffic where it may not before, or the other way round.
func otherNode(was, is *ocorev1.Node) bool {
	return eligible((*corev1.Node)(was)) != eligible((*corev1.Node)(is)) || was.Spec.ProviderID != is.Spec.ProviderID
}

// those names those of the Services that want a load balancer.
func those(ctx context.Context, read client.Reader, chosen func(*ocorev1.Service) bool) ([]client.ObjectKey, error) {
	var services ocorev1.ServiceList
	if err := read.List(ctx, &services, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Services: %w", err)
	}
	var keys []client.ObjectKey
	for i := range services.Items {
		if service := &services.Items[i]; wants(service) && chosen(service) {
			keys = append(keys, client.ObjectKeyFromObject(service))
		}
	}
	return keys, nil
}
