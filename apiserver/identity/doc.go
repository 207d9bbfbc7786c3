// Package identity names everybody who talks to the API server from our side, and says what each may do.
//
// Each component has a user name of its own and the rights that it needs, and no more. None of them is in
// system:masters, whom no rule can restrict; the administrator's rights come from an ordinary binding to
// cluster-admin, so they can be looked at and taken away.
//
// Rights have two sources: the roles that Kubernetes itself creates for its controllers, scheduler and proxy, and the
// ClusterRoles that controller-gen writes from the RBAC markers of our rooms (package config/rbac). Markers name the
// groups of the Kubernetes naming; the other name of the same objects is added to every rule here.
//
// The package decides nothing about users of the cluster.
package identity
