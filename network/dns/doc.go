// Package dns answers the names of a cluster on one node: Services, their endpoints and pods, as the specification of Kubernetes'
// DNS has them (https://github.com/kubernetes/dns/blob/master/docs/specification.md), and asks the resolvers of the machine for all
// other names. CoreDNS does that, of which the plugins are linked in that a cluster's Corefile has; no pod and no image is needed, and
// it answers before the first pod starts.
//
// It is a loop of package engine with one key, since there is one server:
//
//   - Observe reads the ConfigMap kube-system/coredns, the Service kube-system/kube-dns, our endpoint of it, and the resolvers of the
//     machine.
//   - Plan is pure. It has those objects made where they are missing, and the server run the Corefile that the ConfigMap says.
//   - The steps write objects, and load the Corefile.
//
// What users know is theirs: the ConfigMap is made once, with the Corefile that kubeadm has, and is not written again; one that is
// deleted is made anew. The Service has the tenth address of the range and no selector. Its EndpointSlice leads to the address at which
// this server listens: that of the pods' bridge, so that the service proxy sends there whoever asks, from pods, from the host's network
// and from the node. Where the Service has a selector, pods answer, and we take our endpoint away.
//
// What it promises:
//
//   - A Corefile that was changed is taken up at once, whether or not it has the directive reload. One that cannot be used leaves the
//     one before, or at a start the default one; an Event on the ConfigMap and the component's status say so.
//   - It listens at the one address that it is given, and at no other: on the port of the server block, but for 53 on any that is free
//     where somebody else has that one; the endpoint says which. What it counts is served at port 9153 of the same address, unless that
//     is loopback. Two servers on one machine never meet.
//   - A Corefile reads no file of this machine but for its resolvers, and reaches no other API server: it imports no files, knows no
//     variables of the environment, has no kubeconfig, and hosts are those of its block.
//   - /etc/resolv.conf in it means the resolvers of this machine that pods could reach too, without the cluster's own. When the machine
//     has others, they are asked.
//   - Resolvers that ask us in turn are found out (directive loop); nothing is forwarded to them any more, and the process goes on.
//
// The directives are cache, errors, forward, health, hosts, kubernetes, log, loadbalance, loop, prometheus, ready, reload and rewrite.
// health, ready and reload are taken and have no effect: who wants to know how the server is asks the instance. Plain DNS is served,
// over UDP and TCP, and no other transport.
//
// CoreDNS logs by the standard library's logger. Its registries of plugins and metrics are the process's, and so is the list of
// directives: nothing else in the process may use CoreDNS otherwise.
package dns
