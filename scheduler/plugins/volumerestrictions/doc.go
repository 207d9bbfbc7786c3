// Package volumerestrictions keeps pods apart that must not use the same volume at once.
//
// Two rules are checked. A claim with the access mode ReadWriteOncePod is used by one pod in the whole cluster: another
// waits until that pod is gone or preempted. And of the volumes that a pod names directly, the same GCE persistent disk,
// iSCSI target or Ceph image is on one node only for pods that all read it, and the same EBS volume for one pod.
//
// Disks behind claims are not looked at here: NodeVolumeLimits counts those, and their drivers refuse a second node.
package volumerestrictions
