// Package provisioner makes the volumes of claims that ask a CSI driver for one. It is what external-provisioner is beside a driver that
// runs on each node (--node-deployment), for any such driver.
//
// It watches PersistentVolumeClaims, StorageClasses and PersistentVolumes. It owns the volumes pvc-UID until they are bound, which is
// the binder's, and the finalizer storage.orrery.dev/being-provisioned of claims. It deletes no volumes: that is package deleter's.
//
// # What it promises
//
//   - A claim that the binder has handed to the driver gets a volume of the driver where the scheduler wants it to be: the annotation
//     volume.kubernetes.io/selected-node names a node that the driver makes volumes for. A claim of a class that binds at once gets
//     that annotation from whichever provisioner is first, as external-provisioner has it; of a class with allowedTopologies from one that
//     makes volumes there.
//   - There is one volume for a claim: the driver knows it by the name that is made of the claim's UID, and makes it once.
//   - Nothing that the driver makes is left with it unknown, whenever the process ends and the claim is deleted: that the driver is asked
//     is noted on the claim before, by the finalizer, and the claim stays until what was made is written down as a volume, or until the
//     driver has refused. A claim that is deleted meanwhile gets its volume, which is then deleted as any other whose claim is gone.
//   - When the driver has no space on a node that the scheduler chose, the choice is taken back, and the scheduler makes another.
//   - A claim of another claim (clone) or of a snapshot gets a copy where the driver can make one, and waits where it may not be made.
//
// # What it says
//
// Events of external-provisioner, letter by letter: Provisioning, ProvisioningSucceeded, ProvisioningFailed.
//
// # What differs
//
// It reads no Secrets, and refuses classes that name some; and it modifies no volumes, and refuses claims with a
// VolumeAttributesClass. A source claim does not get the finalizer that keeps it while it is copied: our driver refuses to delete what is
// being copied. Where a claim is to be a copy of what lies on another node than the scheduler has chosen, that node is chosen in its place, and
// the scheduler brings the pod there; with a class that does not allow all nodes it waits.
// external-provisioner has no finalizer on claims, and leaves with the driver what that has made when the process ends before it is written
// down and the claim is deleted. So does this one where the class is gone by then as well: how to ask is not known any more.
package provisioner
