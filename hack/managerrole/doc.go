// Command managerrole writes the ClusterRoles of a manager on a cluster of somebody else's.
//
//	managerrole config
//
// writes, below the folder config:
//
//	rbac/role.yaml            what the loops of our kinds need, which is all that a manager runs by default
//	rbac/scheduler_role.yaml  what the scheduler needs, which the manager runs with --scheduler
//	cluster-loops/role.yaml   what the loops of what every cluster has need besides, which it runs with --cluster-loops
//
// Which loop is of which scope is told by the table in package controllers, and what it needs by the RBAC markers in its room.
// These name the groups that the Kubernetes naming uses, once for both namings. On a cluster of somebody else's the kinds are
// custom resources: this command gives each resource the group that it has under the Orrery naming.
package main
