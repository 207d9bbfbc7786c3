// Package loadbalancer gives Services of type LoadBalancer addresses of a pool: the load balancers of a cluster that no cloud runs.
//
//   - [Pool] is ranges of addresses.
//   - [Balancer] hands them out, to a Service one of each of its IP families. It has the interface of a cloud provider (k8s.io/cloud-provider), and so the loop
//     that asks it, controllers/core/servicelb, could ask that of a cloud in its place.
//
// Nothing has to be made for a load balancer here: the service proxy of each node sends on what comes for its address
// (status.loadBalancer.ingress, in the mode VIP), and package announcer draws what other machines send.
//
// What it promises:
//
//   - A Service keeps its address for as long as it wants one and the address is of the pool.
//   - A Service gets the address that it asks for: by spec.loadBalancerIP, or by one of the annotations that MetalLB and kube-vip have for
//     it. If that is not of the pool, or taken, it gets none, and is told who has it.
//   - A Service that wants both families gets an address of each, or none; one that prefers to have both does with one where the pool has
//     no other.
//   - No two Services get one address, unless both allow it with the same key in MetalLB's annotation metallb.io/allow-shared-ip, no two of
//     their ports are the same, and traffic for both may go to any node or to the same pods (externalTrafficPolicy).
//   - What Services have is read from them, also by a process that has just begun. What was given out is kept in memory besides: it takes a
//     moment until a status shows it.
//
// It writes nothing, and sends no packet.
package loadbalancer
