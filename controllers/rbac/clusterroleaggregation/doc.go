// Package clusterroleaggregation fills the rules of ClusterRoles that are made of others: those with an aggregationRule, as
// admin, edit and view are. It is kube-controller-manager's clusterrole-aggregation-controller.
//
// It watches ClusterRoles. The rules of one are those of all ClusterRoles that a selector of its rule matches, without itself,
// in the order of the selectors and of their names, each once. Rules that somebody has written into such a role are lost.
package clusterroleaggregation
