// Package clients gives scheduling plugins their way to the API server: a client set and informers of upstream's types.
//
// Two things that a plugin written for kube-scheduler takes for granted do not hold everywhere, and are made to hold here:
//
//   - The kinds have Kubernetes' own names. Where they are custom resources (core.orrery.dev/v1 in place of v1), a
//     transport translates paths, and the API versions in what is sent and received. What custom resources do not have,
//     they do not get by that: the subresource pods/binding, strategic merge patches, protobuf.
//   - The server serves every kind that a plugin watches. Where it does not (dynamic resources on an older cluster, pod
//     groups behind their feature gate), the kind looks empty, and is looked for again every minute.
//
// The package never caches, retries or decides anything, and never touches what has one name only, such as Secrets.
package clients
