package servicelb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// world is what a load balancer is made from, and what there is of it.
type world struct {
	// foreseen is what a balancer would answer that can say so beforehand; nil if it cannot, or would refuse.
	foreseen *corev1.LoadBalancerStatus
	// refused is why it would refuse; nil if it would not.
	refused error

	// nodes are those that may be sent traffic, by name, where the balancer foresees nothing.
	nodes []*corev1.Node
	// ensured is what such a balancer was last asked for with success, by this process; nil if nothing.
	ensured *ensured

	// exists says, of a load balancer that is wanted no more, that it is still there.
	exists bool
	// retired says that the balancer makes none any more.
	retired bool
}

// retiree is a balancer that may make no load balancers any more, and only delete those that it has made. What others have made for
// Services is theirs then.
type retiree interface{ OnlyTakesBack() bool }

// seer is a balancer that can say beforehand what EnsureLoadBalancer would answer: so nothing has to be tried to know whether something
// is to be done. Refused says why there would be no load balancer.
type seer interface {
	ForeseeLoadBalancer(ctx context.Context, clusterName string, service *corev1.Service) (status *corev1.LoadBalancerStatus, refused, err error)
}

// Observe asks the balancer what is to be, or whether what is to go is still there. One that cannot say what is to be depends on Nodes.
func (c Controller) Observe(ctx context.Context, view loop.View, service *ocorev1.Service) (w world, err error) {
	if c.Balancer == nil {
		return w, nil
	}
	if balancer, ok := c.Balancer(view).(retiree); ok {
		w.retired = balancer.OnlyTakesBack()
	}
	switch {
	case leaves(service):
		if _, w.exists, err = c.Balancer(view).GetLoadBalancer(ctx, c.ClusterName, (*corev1.Service)(service)); err != nil {
			err = fmt.Errorf("asking whether the load balancer of Service %s exists: %w", client.ObjectKeyFromObject(service), err)
		}
	case wants(service) && !w.retired:
		if balancer, ok := c.Balancer(view).(seer); ok {
			w.foreseen, w.refused, err = balancer.ForeseeLoadBalancer(ctx, c.ClusterName, (*corev1.Service)(service))
			return w, err
		}
		w.ensured, _ = view.Remembered(client.ObjectKeyFromObject(service)).(*ensured)
		var nodes ocorev1.NodeList
		if err := view.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
			return w, fmt.Errorf("listing nodes: %w", err)
		}
		w.nodes = eligibleOf(nodes.Items)
	}
	return w, err
}

// eligibleOf are the Nodes that may be sent traffic, by name.
func eligibleOf(all []ocorev1.Node) []*corev1.Node {
	var nodes []*corev1.Node
	for i := range all {
		if node := (*corev1.Node)(&all[i]); eligible(node) {
			nodes = append(nodes, node)
		}
	}
	slices.SortFunc(nodes, func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	return nodes
}

// toBeDeleted is the taint that the cluster autoscaler puts on a node that it is about to delete.
const toBeDeleted = "ToBeDeletedByClusterAutoscaler"

// eligible says whether a Node may be sent traffic. One that is not ready may: what checks the health of nodes is the balancer.
func eligible(node *corev1.Node) bool {
	if excluded, there := node.Labels[corev1.LabelNodeExcludeBalancers]; there {
		if really, err := strconv.ParseBool(excluded); really || err != nil {
			return false
		}
	}
	doomed := slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == toBeDeleted })
	return node.DeletionTimestamp == nil && !doomed
}

// class is the load balancer class of a Service that this loop decides for, as it does for one without a class.
const class = "orrery.dev/load-balancer"

// wants says whether a Service is to have a load balancer from us.
func wants(service *ocorev1.Service) bool {
	return service.Spec.Type == corev1.ServiceTypeLoadBalancer && isOurs(service) && service.DeletionTimestamp == nil
}

// leaves says whether a Service had one, or could not have one, and is to have none any more. The class goes with the type.
func leaves(service *ocorev1.Service) bool {
	return (holds(service) || meta.FindStatusCondition(service.Status.Conditions, conditionError) != nil) && isOurs(service) && !wants(service)
}

// holds says whether a Service may have a load balancer.
func holds(service *ocorev1.Service) bool {
	return controllerutil.ContainsFinalizer(service, finalizer)
}

func isOurs(service *ocorev1.Service) bool {
	return service.Spec.LoadBalancerClass == nil || *service.Spec.LoadBalancerClass == class
}
