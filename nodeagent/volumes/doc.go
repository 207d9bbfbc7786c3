// Package volumes puts the volumes of a pod onto the disk, and takes them away again.
//
// emptyDir (on disk or in memory), hostPath with its types, and the four kinds whose content is written: ConfigMap, Secret,
// downward API and projected, with trust bundles, and with service account tokens and pod certificates that are renewed before they
// end. What a pod sees of such a volume changes as a whole or not at all (atomic.go). Contents are computed from what Source, Tokens,
// TrustBundles and PodCertificates answered.
//
// A claim's volume is linked to, where it is a directory of the node: a hostPath or a local volume, which is given to the pod's fsGroup.
// It is never written to or removed here. Claims answers which volume that is.
//
// Mount can be repeated after an error, and after a crash at any point: nothing is taken for done because it exists, unless it
// came into existence finished. The tests end it in each of its steps (disk.go).
//
// Secrets and projected volumes live in memory only. A volume of any other kind is an error that names it.
package volumes
