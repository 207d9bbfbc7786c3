// Command roles writes the roles of our components, from the RBAC markers beside their code.
//
//	roles config docs
//
// In our own control plane each component has an identity of its own, and so has each control loop. For them the command writes,
// below the folder config:
//
//	rbac/controllers/NAME.yaml             what the loop called NAME does itself
//	rbac/components/controller-cache.yaml  what the cache that the loops share reads for them
//	rbac/components/NAME.yaml              what another component does
//
// On a cluster of somebody else's one identity, the manager's, runs all loops:
//
//	rbac/role.yaml            what the loops of our kinds need, which is all that a manager runs by default
//	rbac/scheduler_role.yaml  what the scheduler needs, which the manager runs with --scheduler
//	webhook/role.yaml         what the webhooks read, which the manager serves where it has a certificate
//	cluster-loops/role.yaml   what the loops of what every cluster has need besides, which it runs with --cluster-loops
//
// Below the folder docs it writes security-rights.md, the table of who may do what in our own control plane.
//
// A marker with list and watch is of what the loop reads through the cache that it shares with others; one with list and without
// watch, of what it asks the API server itself for.
//
// Which loop is of which scope is told by the table in package controllers. Markers name the groups that the Kubernetes naming
// uses, once for both namings. On a cluster of somebody else's the kinds are custom resources: there each resource gets the group
// that it has under the Orrery naming.
package main
