package pods

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ContentChanged says that a ConfigMap or Secret is another one now than it was: pods that have it in a volume get it anew.
func (l *Loop) ContentChanged(kind, namespace, name string) {
	l.mu.Lock()
	var stale []types.UID
	for uid, w := range l.workers {
		if w.pod.Namespace == namespace && contains(&w.pod.Spec, kind, name) {
			w.memory.Stale = true
			stale = append(stale, uid)
		}
	}
	l.mu.Unlock()
	for _, uid := range stale {
		l.Wake(uid)
	}
}

// contains says whether a volume of the pod has content of an object.
func contains(spec *corev1.PodSpec, kind, name string) bool {
	for i := range spec.Volumes {
		v := &spec.Volumes[i]
		switch {
		case v.ConfigMap != nil && kind == "ConfigMap" && v.ConfigMap.Name == name, v.Secret != nil && kind == "Secret" && v.Secret.SecretName == name:
			return true
		case v.Projected != nil && projects(v.Projected, kind, name):
			return true
		}
	}
	return false
}

func projects(volume *corev1.ProjectedVolumeSource, kind, name string) bool {
	for i := range volume.Sources {
		source := &volume.Sources[i]
		if source.ConfigMap != nil && kind == "ConfigMap" && source.ConfigMap.Name == name || source.Secret != nil && kind == "Secret" && source.Secret.Name == name {
			return true
		}
	}
	return false
}
