// Package legacytokencleaner takes tokens out of use that were made for ServiceAccounts by themselves, as Kubernetes did before 1.24,
// when nobody has used them for a year. It is kube-controller-manager's legacy-serviceaccount-token-cleaner-controller.
//
// It watches Secrets of the type kubernetes.io/service-account-token, reads ServiceAccounts, Pods, and the ConfigMap
// kube-apiserver-legacy-service-account-token-tracking, in which the API server says since when it has noted who uses such tokens. It
// owns the label kubernetes.io/legacy-token-invalid-since.
//
// # What it promises
//
//   - A token that its ServiceAccount lists among its secrets, that is older than a year, that the API server says nobody has used for
//     a year (in the label kubernetes.io/legacy-token-last-used, which has the day) and that no pod refers to, gets the label with
//     the day of today. The API server does not accept it from then on, until somebody takes the label off.
//   - A year after that it is deleted, if all of it still holds, and it is as it was seen.
//   - Nothing is touched before the API server has noted for a year who uses tokens, or where it cannot be read since when.
//   - A token that somebody asked for stays: no ServiceAccount lists it.
//   - It looks at each token when it changes, and once a day.
//
// It sees no Secrets of another type.
package legacytokencleaner
