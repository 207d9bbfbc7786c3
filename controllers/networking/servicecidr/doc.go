// Package servicecidr says that ranges of Services' addresses are ready, and keeps them from going away under addresses that are in use.
// It is kube-controller-manager's service-cidr-controller.
//
// It watches ServiceCIDRs, and IPAddresses that the API server has given to Services. It owns the ServiceCIDRs' finalizer
// networking.k8s.io/service-cidr-finalizer and condition Ready.
//
// # What it promises
//
//   - A ServiceCIDR that is not being deleted has the finalizer, and is Ready.
//   - One that is being deleted keeps the finalizer while an address of it is in no other ServiceCIDR, unless others contain each of its
//     ranges whole. Of two that are both being deleted, the one whose deletion began first counts on the other, and not the other way
//     round. As for the API server, the first address of a range, and the last of an IPv4 range, are not in it.
//   - It keeps the finalizer for 10 s in any case, so that API servers learn that they must not give out addresses of it any more.
//     Before the finalizer goes, the API server itself is asked for addresses that the cache does not show yet.
//
// # What it says
//
// The condition Ready is True, or False (Terminating) while addresses hold up the deletion. That it could not be written is the event
// KubernetesServiceCIDRError, a warning.
package servicecidr
