// Command managerrole writes the ClusterRole of a manager on a cluster of somebody else's.
//
//	managerrole config/rbac/components/controllers.yaml config/rbac/components/scheduler.yaml > config/rbac/role.yaml
//
// The RBAC markers of our components name the groups that the Kubernetes naming uses, once for
// both namings. There the kinds are custom resources: this command gives each resource the
// group that it has under the Orrery naming, and joins the roles of all components which the
// one process runs. A file that is not there is passed over.
package main
