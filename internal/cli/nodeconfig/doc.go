// Package nodeconfig reads how the node of this machine is to be: from a kubelet's configuration file, from drop-ins, and from flags,
// which have the kubelet's names and go over the files.
//
// It finds fault with what means nothing and with what a node of ours does not obey, before anything runs. It starts nothing.
package nodeconfig
