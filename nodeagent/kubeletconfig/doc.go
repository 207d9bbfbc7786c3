// Package kubeletconfig reads how a node is configured: upstream's KubeletConfiguration (kubelet.config.k8s.io/v1beta1), from a file
// and from drop-ins that change it.
//
// Files are read strictly: a field that the type does not have, or that is there twice, is an error. So is a field that this node does
// not obey, with the reason: they are in one table, and a test over the type holds that every field is in it or is named by the file of
// the node agent that obeys it. The kubelet's default is no refusal, whether this node does the same or not; Default says where it
// does something else.
//
// It reads files and decides nothing: what is in force is obeyed by the packages that are told.
package kubeletconfig
