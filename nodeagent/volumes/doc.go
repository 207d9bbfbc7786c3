// Package volumes puts the volumes of a pod onto the disk, and takes them away again.
//
// emptyDir (on disk or in memory), hostPath with its types, and the four kinds whose content is written: ConfigMap, Secret,
// downward API and projected, with trust bundles, and with service account tokens and pod certificates that are renewed before they
// end. What a pod sees of such a volume changes as a whole or not at all (atomic.go). Contents are computed from what Source, Tokens,
// TrustBundles and PodCertificates answered.
//
// A claim's volume is linked to, where it is a directory or a device of the node: a hostPath or a local volume. A local one that is a
// directory is given to the pod's fsGroup. It is never written to or removed here. Claims answers which volume that is.
//
// A volume of a CSI driver, behind a claim or in the pod itself, is staged once for the node and published to each pod by its driver,
// where a kubelet would have that done; the pod's link leads there. What is published is given to the pod's fsGroup where that is
// neither the driver's work nor against the CSIDriver's fsGroupPolicy. Of these volumes it is promised:
//
//   - Before a driver is asked for anything, the pod's directory has a record of the volume (vol_data.json), and the record goes when all is
//     undone. So an agent that knows nothing takes back what another one gave.
//   - A volume is unpublished before it is unstaged, and not unstaged while another pod has a record of it. What cannot be undone
//     stays, with its record, and the pod's directory with it: nothing that a driver may have put there is ever removed by us, unless it is empty.
//   - A volume that has to be attached is in use (VolumesInUse) from before it is waited for until its record is gone.
//   - Of an agent that was started anew a driver hears all calls for the pods that are there once more.
//   - A pod that has its volume keeps it when the API server cannot be asked about it.
//
// Mount can be repeated after an error, and after a crash at any point: nothing is taken for done because it exists, unless it
// came into existence finished. The tests end it in each of its steps (disk.go).
//
// Secrets and projected volumes live in memory only. A volume of any other kind is an error that names it.
package volumes
