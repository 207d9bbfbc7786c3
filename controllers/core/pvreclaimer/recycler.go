package pvreclaimer

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	recyclerNamespace = metav1.NamespaceDefault
	recyclerPrefix    = "recycler-for-"
	// recyclerAnnotation says, on a volume, which pod recycles it after which claim, by their UIDs. Another pod of that name may be
	// anybody's, or be left from an earlier claim: that it has succeeded says nothing of what was written since.
	recyclerAnnotation = "orrery.dev/recycler"

	recyclerImage = "registry.k8s.io/build-image/debian-base:bookworm-v1.0.6"
	scrub         = `test -e /scrub && find /scrub -mindepth 1 -delete && test -z "$(ls -A /scrub)" || exit 1`
)

// recyclerOf is the name of the pod that recycles a volume.
func recyclerOf(volume *ocorev1.PersistentVolume) client.ObjectKey {
	return client.ObjectKey{Namespace: recyclerNamespace, Name: recyclerPrefix + volume.Name}
}

// made is what is noted of a pod that was made to recycle a volume after the claim that it names.
func made(volume *ocorev1.PersistentVolume, pod *ocorev1.Pod) string {
	return string(volume.Spec.ClaimRef.UID) + "/" + string(pod.UID)
}

// recycler is the pod that removes all files of a volume which is recyclable.
func recycler(volume *ocorev1.PersistentVolume) *ocorev1.Pod {
	key := recyclerOf(volume)
	source, least := corev1.VolumeSource{}, time.Minute
	if path := volume.Spec.HostPath; path != nil {
		source.HostPath = &corev1.HostPathVolumeSource{Path: path.Path}
	} else {
		source.NFS = &corev1.NFSVolumeSource{Server: volume.Spec.NFS.Server, Path: volume.Spec.NFS.Path}
		least = 5 * time.Minute
	}
	seconds := int64(deadline(volume, least).Seconds())
	return &ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name},
		Spec: corev1.PodSpec{
			ActiveDeadlineSeconds: &seconds,
			RestartPolicy:         corev1.RestartPolicyNever,
			Volumes:               []corev1.Volume{{Name: "vol", VolumeSource: source}},
			Containers: []corev1.Container{{
				Name: "pv-recycler", Image: recyclerImage, Command: []string{"/bin/sh"}, Args: []string{"-c", scrub},
				VolumeMounts: []corev1.VolumeMount{{Name: "vol", MountPath: "/scrub"}},
			}},
		},
	}
}

// deadline is how long a recycler may take: half a minute for each gibibyte, and at least so long.
func deadline(volume *ocorev1.PersistentVolume, least time.Duration) time.Duration {
	const gibibyte = 1 << 30
	return max(least, time.Duration(volume.Spec.Capacity.Storage().Value()/gibibyte)*30*time.Second)
}
