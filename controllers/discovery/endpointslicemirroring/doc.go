// Package endpointslicemirroring mirrors Endpoints that somebody made for a Service without a selector into EndpointSlices, which is
// what service proxies read. It is kube-controller-manager's endpointslice-mirroring-controller.
//
// It owns the EndpointSlices that carry the label endpointslice.kubernetes.io/managed-by with its name, and controls each of them on
// behalf of its Endpoints. It watches Endpoints, those slices, and the Services of the Endpoints' names.
//
// # What it promises
//
//   - There is a slice for each IP family of each set of ports that have the same addresses. It says ready of those that are, and
//     has their hostnames, nodes and targets.
//   - At most 1000 addresses of one set of ports are mirrored, those that are ready first.
//   - Nothing is mirrored of Endpoints that have no Service of their name, or one with a selector; that are labelled
//     endpointslice.kubernetes.io/skip-mirror=true; or by which a leader is elected. Slices that were there are deleted.
//   - Slices go with their Endpoints, by garbage collection.
//
// # What it writes
//
// Slices carry the labels and annotations of the Endpoints, but for endpoints.kubernetes.io/last-change-trigger-time and what kubectl
// applied, and kubernetes.io/service-name. They keep metadata.generateName when they are written again, which upstream's lose.
//
// Events, about the Endpoints: TooManyAddressesToMirror, InvalidIPAddress.
package endpointslicemirroring
