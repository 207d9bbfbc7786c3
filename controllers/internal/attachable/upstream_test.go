package attachable_test

import (
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	csitranslation "k8s.io/csi-translation-lib"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/csimigration"
	volumeutil "k8s.io/kubernetes/pkg/volume/util"
	"pgregory.net/rapid"
)

// TestVolumesAreThoseOfKubernetes compares names, and who may share a volume, with kube-controller-manager's for random volumes of every
// kind that it attaches by CSI drivers.
func TestVolumesAreThoseOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.SampledFrom(sources).Draw(t, "source")
		pv := gen.PersistentVolume("data", func(pv *ocorev1.PersistentVolume) {
			pv.Spec.PersistentVolumeSource = source
			pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data"}
			pv.Spec.AccessModes = rapid.SliceOfDistinct(rapid.SampledFrom(modes), func(m corev1.PersistentVolumeAccessMode) string { return string(m) }).Draw(t, "modes")
		})
		ours, found := attachable.OfPersistentVolume(pv)
		theirs := spec(t, volume.NewSpecFromPersistentVolume((*corev1.PersistentVolume)(pv), false))
		if csi := theirs.PersistentVolume.Spec.CSI != nil; found != csi {
			t.Fatalf("it is one of a CSI driver: %t, want %t", found, !found)
		}
		if found {
			compare(t, ours, theirs)
		}
	})
}

func TestVolumesInPodsAreThoseOfKubernetes(t *testing.T) {
	for _, source := range inline {
		v := corev1.Volume{Name: "data", VolumeSource: source}
		ours, found := attachable.OfInline(&v, "default")
		theirs := spec(t, volume.NewSpecFromVolume(&v))
		if attached := theirs.PersistentVolume != nil; found != attached {
			t.Errorf("%v is attached: %t, want %t", source, found, attached)
		}
		if found {
			compare(t, ours, theirs)
		}
	}
}

func TestPodsNeedTheirVolumesWhenKubernetesSaysSo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := gen.Pod("web", gen.On("a"))
		pod.Status.Phase = rapid.SampledFrom([]corev1.PodPhase{corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed}).Draw(t, "phase")
		if rapid.Bool().Draw(t, "deleted") {
			gen.Deleted(pod)
		}
		for _, statuses := range []*[]corev1.ContainerStatus{&pod.Status.ContainerStatuses, &pod.Status.InitContainerStatuses, &pod.Status.EphemeralContainerStatuses} {
			*statuses = rapid.SliceOfN(rapid.SampledFrom(containers), 0, 2).Draw(t, "containers")
		}
		if got, want := attachable.Holds(pod), !volumeutil.IsPodTerminated((*corev1.Pod)(pod), pod.Status); got != want {
			t.Fatalf("it needs its volumes: %t, want %t", got, want)
		}
	})
}

// spec is a volume as kube-controller-manager attaches it.
func spec(t rapid.TB, s *volume.Spec) *volume.Spec {
	translator := csitranslation.New()
	migratable, err := csimigration.NewPluginManager(translator).IsMigratable(s)
	if err != nil {
		t.Fatal(err)
	}
	if !migratable {
		return s
	}
	if s, err = csimigration.TranslateInTreeSpecToCSI(klog.Background(), s, "default", translator); err != nil {
		t.Fatal(err)
	}
	return s
}

func compare(t rapid.TB, ours attachable.Volume, theirs *volume.Spec) {
	csi := theirs.PersistentVolume.Spec.CSI
	name := volumeutil.GetUniqueVolumeName("kubernetes.io/csi", csi.Driver+"^"+csi.VolumeHandle) // as the plugin of that name has it
	if ours.Name() != name {
		t.Errorf("a node has it by the name %s, want %s", ours.Name(), name)
	}
	if back, ok := attachable.ParseName(name); !ok || back != ours.ID {
		t.Errorf("by that name it is %v, want %v", back, ours.ID)
	}
	if ours.Exclusive == volumeutil.IsMultiAttachAllowed(theirs) {
		t.Errorf("one node at a time may have it: %t, want %t", ours.Exclusive, !ours.Exclusive)
	}
	if ours.Called != theirs.Name() {
		t.Errorf("it is called %q, want %q", ours.Called, theirs.Name())
	}
}

var modes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOncePod}

var containers = []corev1.ContainerStatus{
	{}, {State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
	{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}}, {State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}},
}

var sources = []corev1.PersistentVolumeSource{
	{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: "vol-1"}},
	{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: "projects/p/disks/d"}},
	{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "aws://us-east-1a/vol-1"}},
	{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: "disk"}},
	{Cinder: &corev1.CinderPersistentVolumeSource{VolumeID: "disk"}},
	{VsphereVolume: &corev1.VsphereVirtualDiskVolumeSource{VolumePath: "[store] disk.vmdk"}},
	{PortworxVolume: &corev1.PortworxVolumeSource{VolumeID: "disk"}},
	{AzureDisk: &corev1.AzureDiskVolumeSource{DiskName: "disk", DataDiskURI: "/subscriptions/s/disk"}},
	{AzureFile: &corev1.AzureFilePersistentVolumeSource{ShareName: "share", SecretName: "azure-storage-account-acc-secret"}},
	{HostPath: &corev1.HostPathVolumeSource{Path: "/data"}},
	{NFS: &corev1.NFSVolumeSource{Server: "server", Path: "/data"}},
	{ISCSI: &corev1.ISCSIPersistentVolumeSource{TargetPortal: "portal", IQN: "iqn"}},
}

var inline = []corev1.VolumeSource{
	{CSI: &corev1.CSIVolumeSource{Driver: "csi.example.com"}},
	{EmptyDir: &corev1.EmptyDirVolumeSource{}},
	{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "vol-1"}},
	{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: "disk"}},
	{Cinder: &corev1.CinderVolumeSource{VolumeID: "disk"}},
	{AzureDisk: &corev1.AzureDiskVolumeSource{DiskName: "disk", DataDiskURI: "/subscriptions/s/disk"}},
	{AzureFile: &corev1.AzureFileVolumeSource{ShareName: "share", SecretName: "azure-storage-account-acc-secret"}},
}

// The name is what external-attachers, kubelets and `kubectl get volumeattachment` know from any cluster: csi- and the hash of handle,
// driver and node, one after the other.
func TestAttachmentsHaveTheNamesOfKubernetes(t *testing.T) {
	id := attachable.ID{Driver: "csi.example.com", Handle: "vol-1"}
	const want = "csi-664f93e6befe920d56b73708bbb3eb1888cad5fb3e7203b1b501f466d0bea90f"
	if got := id.Attachment("node-a"); got != want {
		t.Errorf("the name is %s, want %s", got, want)
	}
}
