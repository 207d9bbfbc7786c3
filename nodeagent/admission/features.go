package admission

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/hugepages"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// podFeatureUnsupported is the kubelet's reason for a pod that wants what its node does not have.
const podFeatureUnsupported = "PodFeatureUnsupported"

// feature is something that the Pod API has and this node does not.
type feature[T any] struct {
	// field is where it is asked for, and what it is.
	field, what string
	asked       func(*T) bool
}

// ofPods are the features that a pod asks for as a whole.
var ofPods = []feature[corev1.PodSpec]{
	{"spec.resources.claims", "claims of the pod as a whole", func(s *corev1.PodSpec) bool { return s.Resources != nil && len(s.Resources.Claims) > 0 }},
	{"spec.resources", "huge pages of the pod as a whole", func(s *corev1.PodSpec) bool { return s.Resources != nil && hugePages(*s.Resources) }},
}

// ofVolumes are those of single volumes.
var ofVolumes = []feature[corev1.Volume]{
	{"emptyDir.mode", "a mode of the volume", func(v *corev1.Volume) bool { return v.EmptyDir != nil && v.EmptyDir.Mode != nil }},
	{"user", "owners of single files", owned},
}

// ofContainers are those of single containers, whatever kind they are of.
var ofContainers = []feature[corev1.Container]{
	{"restartPolicyRules.action", "rules that do other things than restart the container, or all of them", func(c *corev1.Container) bool {
		return slices.ContainsFunc(c.RestartPolicyRules, func(r corev1.ContainerRestartRule) bool {
			return r.Action != corev1.ContainerRestartRuleActionRestart && r.Action != corev1.ContainerRestartRuleActionRestartAllContainers
		})
	}},
	{"volumeMounts.bindMountOptions", "options of bind mounts", mounts(func(m *corev1.VolumeMount) bool { return len(m.BindMountOptions) > 0 })},
	{"httpGet.protocol", "probes and hooks by other protocols than HTTP/1.1", func(c *corev1.Container) bool {
		return slices.ContainsFunc(requests(c), func(a *corev1.HTTPGetAction) bool {
			return a.Protocol != nil && *a.Protocol != corev1.HTTPProtocolHTTP1
		})
	}},
}

// Features refuses a pod that asks for a feature which this node does not have. Nothing of the Pod API is ignored: a field that is
// not obeyed is refused here, unless it is somebody else's.
func Features(pod *corev1.Pod, _ []*corev1.Pod) *status.Failure {
	for _, f := range ofPods {
		if f.asked(&pod.Spec) {
			return unsupported("%s (%s)", f.what, f.field)
		}
	}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if kind := sourceOf(volume); !slices.Contains(supportedVolumes, kind) {
			return unsupported("volumes of this kind (%s of volume %s)", kind, volume.Name)
		}
		for _, f := range ofVolumes {
			if f.asked(volume) {
				return unsupported("%s (%s of volume %s)", f.what, f.field, volume.Name)
			}
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if err := Container(&list[i]); err != nil {
				return &status.Failure{Reason: podFeatureUnsupported, Message: err.Error()}
			}
		}
	}
	return nil
}

// Container says which feature a container asks for that this node does not have. It is for ephemeral containers as well, which come
// after their pod was admitted.
func Container(spec *corev1.Container) error {
	for _, f := range ofContainers {
		if f.asked(spec) {
			return fmt.Errorf("%s (%s of container %s): not supported by this node", f.what, f.field, spec.Name)
		}
	}
	return nil
}

func unsupported(format string, args ...any) *status.Failure {
	return &status.Failure{Reason: podFeatureUnsupported, Message: fmt.Sprintf(format, args...) + ": not supported by this node"}
}

// supportedVolumes are the kinds of volumes that package volumes makes, by their fields.
var supportedVolumes = []string{"hostPath", "emptyDir", "configMap", "secret", "downwardAPI", "projected", "persistentVolumeClaim", "ephemeral", "image", "csi"}

// sourceOf is the field that is set of a volume's source. A volume without any is an emptyDir by default.
func sourceOf(volume *corev1.Volume) string {
	source := reflect.ValueOf(volume.VolumeSource)
	for i := range source.NumField() {
		if !source.Field(i).IsNil() {
			name, _, _ := strings.Cut(source.Type().Field(i).Tag.Get("json"), ",")
			return name
		}
	}
	return "emptyDir"
}

func hugePages(r corev1.ResourceRequirements) bool {
	for _, list := range []corev1.ResourceList{r.Requests, r.Limits} {
		for name := range list {
			if hugepages.Is(name) {
				return true
			}
		}
	}
	return false
}

func mounts(asked func(*corev1.VolumeMount) bool) func(*corev1.Container) bool {
	return func(c *corev1.Container) bool {
		for i := range c.VolumeMounts {
			if asked(&c.VolumeMounts[i]) {
				return true
			}
		}
		return false
	}
}

func projects(asked func(*corev1.VolumeProjection) bool) func(*corev1.Volume) bool {
	return func(v *corev1.Volume) bool {
		if v.Projected == nil {
			return false
		}
		for i := range v.Projected.Sources {
			if asked(&v.Projected.Sources[i]) {
				return true
			}
		}
		return false
	}
}

// requests are those that the container's probes and hooks make.
func requests(c *corev1.Container) (all []*corev1.HTTPGetAction) {
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if probe != nil && probe.HTTPGet != nil {
			all = append(all, probe.HTTPGet)
		}
	}
	if c.Lifecycle == nil {
		return all
	}
	for _, hook := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
		if hook != nil && hook.HTTPGet != nil {
			all = append(all, hook.HTTPGet)
		}
	}
	return all
}

// owned says whether a volume names an owner of its files, by default or for one of them.
func owned(v *corev1.Volume) bool {
	switch {
	case v.ConfigMap != nil:
		return v.ConfigMap.DefaultUser != nil || keysOwned(v.ConfigMap.Items)
	case v.Secret != nil:
		return v.Secret.DefaultUser != nil || keysOwned(v.Secret.Items)
	case v.DownwardAPI != nil:
		return v.DownwardAPI.DefaultUser != nil || fieldsOwned(v.DownwardAPI.Items)
	case v.Projected != nil:
		return v.Projected.DefaultUser != nil || projects(projectionOwned)(v)
	}
	return false
}

func projectionOwned(p *corev1.VolumeProjection) bool {
	return p.ConfigMap != nil && keysOwned(p.ConfigMap.Items) || p.Secret != nil && keysOwned(p.Secret.Items) ||
		p.DownwardAPI != nil && fieldsOwned(p.DownwardAPI.Items) || p.ServiceAccountToken != nil && p.ServiceAccountToken.User != nil ||
		p.ClusterTrustBundle != nil && p.ClusterTrustBundle.User != nil || p.PodCertificate != nil && p.PodCertificate.User != nil
}

func keysOwned(items []corev1.KeyToPath) bool {
	return slices.ContainsFunc(items, func(item corev1.KeyToPath) bool { return item.User != nil })
}

func fieldsOwned(items []corev1.DownwardAPIVolumeFile) bool {
	return slices.ContainsFunc(items, func(item corev1.DownwardAPIVolumeFile) bool { return item.User != nil })
}
