// Package serviceaccounttokens fills the Secrets in which people ask for a token of a ServiceAccount that does not expire, and removes
// them with it. It is kube-controller-manager's serviceaccount-token-controller.
//
// It watches ServiceAccounts, and Secrets of the type kubernetes.io/service-account-token, whose annotation
// kubernetes.io/service-account.name says whose token they hold. It owns their keys token, ca.crt and namespace, and the annotation
// with the account's UID.
//
// # What it promises
//
//   - Such a Secret has a token of its ServiceAccount, the certificates by which the API server is known, and its namespace. A token
//     that is there is never replaced; other certificates are.
//   - It is deleted when its ServiceAccount does not exist, or is another one by the same name. Before that the API server itself is
//     asked for an account that the cache does not show.
//   - No token is in a plan, an event, a log or an error.
//
// # What it never does
//
// It makes no Secret, and never changes a ServiceAccount: where one lists a Secret that is gone, it goes on listing it. It does not
// run where nobody signs: see [Options].
package serviceaccounttokens
