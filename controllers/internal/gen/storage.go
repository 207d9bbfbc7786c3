package gen

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PersistentVolumeClaim builds a claim of one gibibyte that one node may write to, of no class. Its UID is its name.
func PersistentVolumeClaim(name string, changes ...func(*ocorev1.PersistentVolumeClaim)) *ocorev1.PersistentVolumeClaim {
	mode, class := corev1.PersistentVolumeFilesystem, ""
	claim := &ocorev1.PersistentVolumeClaim{
		ObjectMeta: meta(name),
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
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
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
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
