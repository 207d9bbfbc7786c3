// Package servicelb has load balancers made for Services of type LoadBalancer. It is cloud-controller-manager's service-lb-controller,
// which was kube-controller-manager's before clouds had programs of their own.
//
// It decides for one Service at a time, and watches Services and Nodes. Who makes the load balancers is a balancer with the interface of
// cloud providers (k8s.io/cloud-provider), of which it calls GetLoadBalancer, EnsureLoadBalancer, UpdateLoadBalancer and
// EnsureLoadBalancerDeleted. Without one it does nothing.
//
// It owns, of a Service that it decides for, the finalizer service.kubernetes.io/load-balancer-cleanup and status.loadBalancer.
//
// # What it promises
//
//   - A Service of type LoadBalancer without a class, or with the class orrery.dev/load-balancer, has a load balancer, whose addresses are
//     in its status. It never touches one of another class.
//   - A balancer that can say beforehand what it would answer, as that of package network/loadbalancer, is asked when that is not what the
//     status says. Any other is asked when something has changed that a load balancer depends on: ports, requested address, source
//     ranges, affinity, policy, families or annotations; when somebody has changed the addresses in the status; and after a restart. When
//     only Nodes have come or gone, it is told which there are.
//   - Nodes that are being deleted or are to be, by the taint ToBeDeletedByClusterAutoscaler, get no traffic, nor do those with the label
//     node.kubernetes.io/exclude-from-external-load-balancers, unless it says false.
//   - A balancer that makes none any more is asked to delete those that it has made, when their Services go. All others are left alone.
//   - The load balancer is deleted before its Service goes, and when that has become one of another type.
//   - A balancer that fails is asked again, later and later, and at once when another Service lets go of an address. One that says
//     beforehand that it would refuse is not asked until then, or until the Service asks for something else.
//
// # What it says
//
// The events EnsuringLoadBalancer, EnsuredLoadBalancer, UpdatedLoadBalancer, DeletingLoadBalancer, DeletedLoadBalancer,
// UnAvailableLoadBalancer, SyncLoadBalancerFailed and UpdateLoadBalancerFailed, as Kubernetes has them. While the balancer fails, the
// Service has the condition orrery.dev/LoadBalancerError, which says how; else it has none.
package servicelb
