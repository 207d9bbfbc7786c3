// Package endpointslice lists the pods behind each Service, in EndpointSlices. It is kube-controller-manager's
// endpointslice-controller.
//
// It owns the EndpointSlices that carry the label endpointslice.kubernetes.io/managed-by with its name. It watches
// Services, those slices, the pods that Services select, and nodes. Services without a selector, and those of the type
// ExternalName, are left alone with whatever slices they have.
//
// # What it promises
//
//   - Every pod that a Service selects, has an address and has not ended is in exactly one slice of each of the Service's
//     IP families: ready or not, and while it terminates. What that means to clients is in the conditions.
//   - ready is serving and not terminating, or always true where the Service publishes addresses that are not ready.
//   - A slice has one set of port numbers. Pods that give one port name different numbers are in different slices.
//   - A slice has at most 100 endpoints, and an endpoint stays in its slice. New ones go where something changes anyway, or
//     else where they fit best; slices are not rebalanced, for each write goes to every node.
//   - A Service without endpoints has one empty slice for each family.
//   - Pods of a node that does not exist are left out, unless the Service publishes addresses that are not ready.
//
// # What it writes
//
// Slices carry the Service's labels, kubernetes.io/service-name, and service.kubernetes.io/headless where there is no
// cluster IP. The annotation endpoints.kubernetes.io/last-change-trigger-time is the earliest moment that a pod changed
// which brought about the last write; there is none where that is not known. Upstream remembers of which changes it has heard and tells of
// each once; this loop tells of the change of a pod that is listed anew or otherwise, as in a slice that takes the place of one that
// somebody deleted. Endpoints hint at their own zone, or node,
// where the Service's trafficDistribution asks for it.
//
// Events, about the Service: FailedToUpdateEndpointSlices.
package endpointslice
