package legacytokencleaner

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// secretsOf are the names of the Secrets that a pod refers to. One that is reached by its claims is not among them.
func secretsOf(pod *corev1.PodSpec) []string {
	var names []string
	for _, pull := range pod.ImagePullSecrets {
		names = append(names, pull.Name)
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		names = append(names, secretsOfContainer(c.EnvFrom, c.Env)...)
	}
	for _, c := range pod.EphemeralContainers {
		names = append(names, secretsOfContainer(c.EnvFrom, c.Env)...)
	}
	for i := range pod.Volumes {
		names = append(names, secretsOfVolume(&pod.Volumes[i].VolumeSource)...)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// secretsOfContainer are those that a container's environment comes from.
func secretsOfContainer(from []corev1.EnvFromSource, env []corev1.EnvVar) []string {
	var names []string
	for _, source := range from {
		if source.SecretRef != nil {
			names = append(names, source.SecretRef.Name)
		}
	}
	for _, variable := range env {
		if variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef != nil {
			names = append(names, variable.ValueFrom.SecretKeyRef.Name)
		}
	}
	return names
}

// secretsOfVolume are those that a volume is made of, or mounted with.
func secretsOfVolume(v *corev1.VolumeSource) []string {
	var refs []*corev1.LocalObjectReference
	switch {
	case v.AzureFile != nil:
		return []string{v.AzureFile.SecretName}
	case v.CephFS != nil:
		refs = append(refs, v.CephFS.SecretRef)
	case v.Cinder != nil:
		refs = append(refs, v.Cinder.SecretRef)
	case v.FlexVolume != nil:
		refs = append(refs, v.FlexVolume.SecretRef)
	case v.Projected != nil:
		for _, source := range v.Projected.Sources {
			if source.Secret != nil {
				refs = append(refs, &source.Secret.LocalObjectReference)
			}
		}
	case v.RBD != nil:
		refs = append(refs, v.RBD.SecretRef)
	case v.Secret != nil:
		return []string{v.Secret.SecretName}
	case v.ScaleIO != nil:
		refs = append(refs, v.ScaleIO.SecretRef)
	case v.ISCSI != nil:
		refs = append(refs, v.ISCSI.SecretRef)
	case v.StorageOS != nil:
		refs = append(refs, v.StorageOS.SecretRef)
	case v.CSI != nil:
		refs = append(refs, v.CSI.NodePublishSecretRef)
	}
	var names []string
	for _, ref := range refs {
		if ref != nil {
			names = append(names, ref.Name)
		}
	}
	return names
}
