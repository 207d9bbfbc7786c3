// Package endpoints lists the pods behind each Service in Endpoints, for clients that do not read EndpointSlices yet. It is
// kube-controller-manager's endpoints-controller.
//
// It owns the Endpoints of Services that have a selector. It watches Services, the pods that they select, and Endpoints. Those of
// a Service without a selector, and of one of the type ExternalName, are somebody else's and left alone.
//
// # What it promises
//
//   - Every pod that a Service selects, has an address of the Service's first IP family, has not ended and is not being deleted is
//     listed by each port that it has; under addresses when it is ready, or else under notReadyAddresses. Where the Service
//     publishes addresses that are not ready, all of them are ready, those of terminating pods too.
//   - A headless Service without ports lists its pods without ports.
//   - There are at most 1000 addresses. Those that are ready come first, and of what is left each subset gets its share.
//   - Endpoints are written when what they say changes, and not when an API server keeps the same in another order.
//   - Endpoints go with their Service. Those which carry this loop's label are found after a restart, too; those that somebody
//     else made are deleted when their Service is seen to go, unless a leader is elected by them. Endpoints that never had a
//     Service stay.
//
// # What it writes
//
// Endpoints carry the Service's labels, endpoints.kubernetes.io/managed-by, and service.kubernetes.io/headless where there is no
// cluster IP. The annotation endpoints.kubernetes.io/last-change-trigger-time is the earliest moment that a pod changed which
// brought about the last write; there is none where that is not known. Upstream remembers of which changes it has heard and tells of
// each once; this loop tells of the change of a pod that is listed anew or otherwise. endpoints.kubernetes.io/over-capacity says "truncated"
// where addresses were left out.
//
// Events, about the Endpoints: FailedToCreateEndpoint, FailedToUpdateEndpoint.
package endpoints
