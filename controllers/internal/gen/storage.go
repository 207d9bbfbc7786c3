package gen

import (
	"maps"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// PersistentVolumeClaim builds a claim of one gibibyte that one node may write to, of no class. Its UID is its name.
func PersistentVolumeClaim(name string, changes ...func(*ocorev1.PersistentVolumeClaim)) *ocorev1.PersistentVolumeClaim {
	mode, class := corev1.PersistentVolumeFilesystem, ""
	claim := &ocorev1.PersistentVolumeClaim{
		ObjectMeta: meta(name),
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:        corev1.VolumeResourceRequirements{Requests: Storage("1Gi")},
			VolumeMode:       &mode,
			StorageClassName: &class,
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
	}
	for _, change := range changes {
		change(claim)
	}
	return claim
}

// PersistentVolume builds a volume of one gibibyte in a directory of a node, of no class. Its UID is its name.
func PersistentVolume(name string, changes ...func(*ocorev1.PersistentVolume)) *ocorev1.PersistentVolume {
	mode := corev1.PersistentVolumeFilesystem
	volume := &ocorev1.PersistentVolume{
		ObjectMeta: meta(name),
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      Storage("1Gi"),
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			VolumeMode:                    &mode,
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: "/volumes/" + name},
			},
		},
		Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeAvailable},
	}
	volume.Namespace = ""
	for _, change := range changes {
		change(volume)
	}
	return volume
}

// Claims gives a pod a volume of a claim.
func Claims(claim string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: claim, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}})
	}
}

// ClaimsForItself gives a pod an ephemeral volume.
func ClaimsForItself(volume string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{
			Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{}},
		}})
	}
}

// MadeFor makes a claim one that was made for an ephemeral volume of a pod.
func MadeFor(pod *ocorev1.Pod) func(*ocorev1.PersistentVolumeClaim) {
	return func(claim *ocorev1.PersistentVolumeClaim) {
		claim.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(pod, corev1.SchemeGroupVersion.WithKind("Pod"))}
	}
}

// Finalized puts a finalizer on an object.
func Finalized[T metav1.Object](finalizer string) func(T) {
	return func(obj T) { obj.SetFinalizers(append(obj.GetFinalizers(), finalizer)) }
}

// Deleted marks an object as being deleted.
func Deleted[T metav1.Object](obj T) {
	at := Ago(1)
	obj.SetDeletionTimestamp(&at)
}

// StorageClass builds a class whose volumes are made by a provisioner, as soon as claims ask for them.
func StorageClass(name, provisioner string, changes ...func(*ostoragev1.StorageClass)) *ostoragev1.StorageClass {
	policy, mode := corev1.PersistentVolumeReclaimDelete, storagev1.VolumeBindingImmediate
	class := &ostoragev1.StorageClass{ObjectMeta: meta(name), Provisioner: provisioner, ReclaimPolicy: &policy, VolumeBindingMode: &mode}
	class.Namespace = ""
	for _, change := range changes {
		change(class)
	}
	return class
}

// WaitsForConsumer makes a class one whose claims are bound with the first pod that uses them.
func WaitsForConsumer(class *ostoragev1.StorageClass) {
	mode := storagev1.VolumeBindingWaitForFirstConsumer
	class.VolumeBindingMode = &mode
}

// DefaultClass makes a class the one of claims that say nothing of a class.
func DefaultClass(class *ostoragev1.StorageClass) {
	metav1.SetMetaDataAnnotation(&class.ObjectMeta, "storageclass.kubernetes.io/is-default-class", "true")
}

// Annotated sets an annotation.
func Annotated[T metav1.Object](key, value string) func(T) {
	return func(obj T) {
		annotations := maps.Clone(obj.GetAnnotations())
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[key] = value
		obj.SetAnnotations(annotations)
	}
}

// VolumeOfClass sets the class of a volume.
func VolumeOfClass(class string) func(*ocorev1.PersistentVolume) {
	return func(volume *ocorev1.PersistentVolume) { volume.Spec.StorageClassName = class }
}

// ClaimOfClass sets the class that a claim asks for.
func ClaimOfClass(class string) func(*ocorev1.PersistentVolumeClaim) {
	return func(claim *ocorev1.PersistentVolumeClaim) { claim.Spec.StorageClassName = &class }
}

// PreBound makes a volume name a claim, by its UID too where that is not empty.
func PreBound(claim, uid string) func(*ocorev1.PersistentVolume) {
	return func(volume *ocorev1.PersistentVolume) {
		volume.Spec.ClaimRef = &corev1.ObjectReference{
			APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: Namespace, Name: claim, UID: types.UID(uid),
		}
	}
}

// BoundTo makes a claim one that a controller has bound to a volume of one gibibyte.
func BoundTo(volume string) func(*ocorev1.PersistentVolumeClaim) {
	return func(claim *ocorev1.PersistentVolumeClaim) {
		Annotated[*ocorev1.PersistentVolumeClaim]("pv.kubernetes.io/bind-completed", "yes")(claim)
		Annotated[*ocorev1.PersistentVolumeClaim]("pv.kubernetes.io/bound-by-controller", "yes")(claim)
		claim.Spec.VolumeName = volume
		claim.Status.Phase = corev1.ClaimBound
		claim.Status.AccessModes = claim.Spec.AccessModes
		claim.Status.Capacity = Storage("1Gi")
	}
}

// TakenBy makes a volume one that a controller has bound to a claim, whose UID is its name.
func TakenBy(claim string) func(*ocorev1.PersistentVolume) {
	return func(volume *ocorev1.PersistentVolume) {
		PreBound(claim, claim)(volume)
		Annotated[*ocorev1.PersistentVolume]("pv.kubernetes.io/bound-by-controller", "yes")(volume)
		volume.Status.Phase = corev1.VolumeBound
	}
}

// Storage is an amount of storage, as a claim requests and a volume has it.
func Storage(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
}
