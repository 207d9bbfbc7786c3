// Package nodevolumelimits keeps a pod away from nodes to which no more volumes of its CSI drivers can be attached.
//
// How many can be, the node's CSINode says. Counted are the volumes of the pods on the node, each once however many pods
// use it, and what VolumeAttachments show as still attached for nobody. A claim without a volume counts for the driver of
// its class, for it will have one. Volumes of the plugins that used to be part of Kubernetes count for the driver that
// took their place.
//
// A driver can also ask (CSIDriver, preventPodSchedulingIfMissing) that pods stay away from nodes which it does not run on.
package nodevolumelimits
