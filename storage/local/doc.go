// Package local is a CSI driver whose volumes are directories of the node that it runs on.
//
// It is a driver as anybody's: three services of the Container Storage Interface 1.13 on a socket of its own, which a node agent finds by
// a registration in its folder of plugins. Neither the node agent nor the loops beside it know it by any other way, and but for the
// objects by which a cluster gets to know it (MakeFirst) it knows nothing of Kubernetes.
//
//	DIR/plugins/local.storage.orrery.dev/csi.sock              the services
//	DIR/plugins/local.storage.orrery.dev/volumes, snapshots    what they keep: see package store
//	DIR/plugins_registry/local.storage.orrery.dev-reg.sock     the registration
//
// # What it promises
//
//   - Each call can be repeated, and can be the last one before the process ends at any point: what has been answered is so after a
//     restart, and what was begun is done anew or not at all.
//   - A volume is used on its node alone, and says so by its topology (TopologyKey). Pods of the node may share it, unless its access
//     mode is that of one pod.
//   - A volume that is mounted is not deleted (FAILED_PRECONDITION), whoever asks.
//   - A call about a volume that takes long, as one that copies, goes on when its caller has given up. Another call about that volume is
//     answered ABORTED meanwhile. What a copy is being made of is not deleted, while pods come and go with it.
//   - A volume takes no more than its capacity where the file system has project quotas. Elsewhere one that takes more is reported
//     DEGRADED by NodeGetVolumeHealth, and goes on.
//   - A volume grows while it is in use, and nothing has to be done on the node for that.
//
// # What it does not have
//
// Block devices, volumes that several nodes write to, volumes of file systems of their own (a claim's fsType is of no effect) and
// parameters: a StorageClass that has any is refused.
package local
