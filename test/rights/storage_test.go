package rights_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-logr/logr"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/storage/driver"
	"github.com/orrery-dev/orrery/storage/simulated"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

const disks = "disks.example.com"

// runStorage makes volumes of nothing for one of the nodes.
func runStorage(ctx context.Context, config *rest.Config) error {
	node := driver.Node{Name: "node-0", In: map[string]string{disks + "/node": "node-0"}}
	d := (&simulated.Controller{Space: 4 << 30}).Driver(disks, node)
	part, err := wiring.NewStorage(wiring.Cluster{Config: config, Naming: apis.Kubernetes, Own: true, Log: logr.Discard()}, d, nil)
	if err != nil {
		return err
	}
	return part.Run(ctx)
}

// provisioned has a volume made, made larger, a snapshot taken of it, and all of that deleted, and its class taken away.
func (s *session) provisioned(t *testing.T) {
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: "disks"}, Provisioner: disks, AllowVolumeExpansion: new(true),
		VolumeBindingMode: new(storagev1.VolumeBindingImmediate),
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "disk"},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: new("disks"), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	s.create(t, class)
	s.hasCapacity(t, "4Gi")
	s.create(t, claim)
	s.claimHas(t, claim, "1Gi")
	s.hasCapacity(t, "3Gi")
	s.change(t, claim, func() { claim.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("2Gi") })
	s.claimHas(t, claim, "2Gi")
	s.snapshotted(t, claim)
	s.remove(t, claim)
	await.Until(t, "the volume is gone", func() (string, bool) {
		var volumes corev1.PersistentVolumeList
		err := s.List(t.Context(), &volumes)
		return fmt.Sprint(len(volumes.Items), err), err == nil && len(volumes.Items) == 0
	})
	s.remove(t, class)
	s.hasCapacity(t)
}

// snapshotted has a snapshot taken of a claim, a volume made of that, and both deleted, in a cluster that gets their kinds only now.
func (s *session) snapshotted(t *testing.T, claim *corev1.PersistentVolumeClaim) {
	if err := snapshotkinds.Define(t.Context(), s.config); err != nil {
		t.Fatal(err)
	}
	if err := snapshotkinds.MakeFirst(t.Context(), s.config, "disks", disks); err != nil {
		t.Fatal(err)
	}
	snapshot := &snapshotv1.VolumeSnapshot{ObjectMeta: metav1.ObjectMeta{Namespace: claim.Namespace, Name: "disk"}}
	snapshot.Spec.Source.PersistentVolumeClaimName = &claim.Name
	s.create(t, snapshot)
	await.Until(t, "the snapshot is ready", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(snapshot), snapshot)
		return fmt.Sprint(snapshot.Status, err), snapshotkinds.IsReady(snapshot)
	})
	copied := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: claim.Namespace, Name: "copied"}, Spec: *claim.Spec.DeepCopy()}
	copied.Spec.VolumeName = ""
	copied.Spec.DataSource = &corev1.TypedLocalObjectReference{APIGroup: new(snapshotv1.GroupName), Kind: "VolumeSnapshot", Name: snapshot.Name}
	s.create(t, copied)
	s.claimHas(t, copied, "2Gi")
	s.remove(t, copied)
	s.remove(t, snapshot)
	await.Until(t, "the snapshot is gone, and what the driver had of it", func() (string, bool) {
		var contents snapshotv1.VolumeSnapshotContentList
		err := s.List(t.Context(), &contents)
		return fmt.Sprint(contents.Items, err), err == nil && len(contents.Items) == 0
	})
}

// claimHas waits until a claim is bound, and has a size.
func (s *session) claimHas(t *testing.T, claim *corev1.PersistentVolumeClaim, size string) {
	t.Helper()
	await.Until(t, "the claim has "+size, func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(claim), claim)
		has := claim.Status.Capacity.Storage().String()
		return fmt.Sprint(claim.Status.Phase, has, err), claim.Status.Phase == corev1.ClaimBound && has == size
	})
}

// hasCapacity waits until the driver is said to have so much, for one class; nothing for none.
func (s *session) hasCapacity(t *testing.T, want ...string) {
	t.Helper()
	await.Until(t, fmt.Sprint("the capacities are ", want), func() (string, bool) {
		var told storagev1.CSIStorageCapacityList
		err := s.List(t.Context(), &told, client.InNamespace(metav1.NamespaceSystem))
		has := []string{}
		for _, each := range told.Items {
			has = append(has, each.Capacity.String())
		}
		return fmt.Sprint(has, err), fmt.Sprint(has) == fmt.Sprint(want)
	})
}
