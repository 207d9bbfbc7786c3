// Package identity names everybody who talks to the API server from our side, and says what each may do.
//
// Each component has a user name of its own and the rights that it needs, and no more. None of them is in
// system:masters, whom no rule can restrict; the administrator's rights come from an ordinary binding to
// cluster-admin, so they can be looked at and taken away.
//
// Each control loop is a component in this sense, and so is the cache that the loops share. The rights of a component are the
// RBAC markers beside its code, from which its roles are generated (package config/rbac), and nothing besides. Markers name
// the groups of the Kubernetes naming: a request by the other name has become one by the first when it is judged. A node that
// runs containers needs no role: the Node authorizer knows it by its name, and lets it see what its own pods need.
//
// The package decides nothing about users of the cluster.
package identity
