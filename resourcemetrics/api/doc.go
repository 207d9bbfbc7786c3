// Package api serves what nodes and pods use as metrics.k8s.io/v1beta1: NodeMetrics and PodMetrics, for kubectl top and autoscalers.
//
// It makes the group of an API server, in which it is installed like any other: who may read it, and how it is asked, is the server's
// to say. Objects can be read one by one and listed, by labels (the Node's or Pod's own) and by name and namespace, also as tables;
// they cannot be watched, and nobody writes them. It answers as metrics-server does: what is known is told, and of what is not known
// there is no object.
package api
