// Package overlay carries packets of pods between nodes that are on different links, inside of packets between the nodes: as a device
// of VXLAN (RFC 7348), which the kernel has and no process serves.
//
// It is a device as data: what it should be follows from the cluster's range of pods and from the addresses of the nodes alone, so
// every node comes to the same without asking another. The number of the network is made of the range of pods, so that control planes
// which share machines do not meet; the hardware address of a node's device is made of the node's address. So the kernel has to be told
// of a peer only that it is there ([Add]): to which hardware address a packet goes for it, and to which node such a packet.
//
// Nothing is learned from packets, and nothing is sent to all. Package routes says which ranges of pods lead through the device, and
// makes and removes it.
//
// Packets are neither encrypted nor signed: whoever can send UDP to port 4789 of a node can send to its pods.
package overlay
