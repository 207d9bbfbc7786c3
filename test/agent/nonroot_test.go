package agent

import (
	"fmt"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/nodeagent/images"
)

// nonRoot: no container runs as root that must not, whatever kind it is and whoever says whom it runs as.
func (w *cluster) nonRoot(t *testing.T) {
	p := w.in(t)
	named := p.imageOf("named", "somebody")
	held := &corev1.SecurityContext{RunAsNonRoot: ptr.To(true)}
	const byRoot = "container has runAsNonRoot and image will run as root (pod: "
	for name, test := range map[string]struct {
		change func(*corev1.Pod)
		want   string
	}{
		"nonroot-app": {func(pod *corev1.Pod) { pod.Spec.Containers[0].SecurityContext = held }, byRoot},
		"nonroot-init": {func(pod *corev1.Pod) {
			pod.Spec.InitContainers = []corev1.Container{{Name: "web", Image: image, SecurityContext: held}}
			pod.Spec.Containers[0].Name = "app"
		}, byRoot},
		"nonroot-name": {func(pod *corev1.Pod) {
			pod.Spec.Containers[0].SecurityContext, pod.Spec.Containers[0].Image = held, named
		}, "container has runAsNonRoot and image has non-numeric user (somebody), cannot verify user is non-root (pod: "},
		"nonroot-zero": {func(pod *corev1.Pod) {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](0)}
		}, "container's runAsUser breaks non-root policy (pod: "},
	} {
		p.create(name, test.change)
		await.Success(t, name+" is refused", func() error {
			return refused(p.get(name), test.want)
		})
		p.remove(name)
	}

	p.create("nonroot", func(pod *corev1.Pod) {
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](1000)}
	})
	pod := p.ready("nonroot")
	pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: "debugger", Image: image, SecurityContext: &corev1.SecurityContext{RunAsUser: ptr.To[int64](0)},
	}}}
	if _, err := p.client.CoreV1().Pods("default").UpdateEphemeralContainers(t.Context(), "nonroot", pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "the ephemeral container is refused", func() error {
		return refused(p.get("nonroot"), "container's runAsUser breaks non-root policy (pod: ")
	})
	p.remove("nonroot")
}

// refused says whether a container of the pod waits because of its configuration.
func refused(pod *corev1.Pod, message string) error {
	s := &pod.Status
	for _, list := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses, s.EphemeralContainerStatuses} {
		for i := range list {
			if w := list[i].State.Waiting; w != nil && w.Reason == "CreateContainerConfigError" && strings.HasPrefix(w.Message, message) {
				return nil
			}
		}
	}
	return fmt.Errorf("its statuses are %+v %+v %+v", s.InitContainerStatuses, s.ContainerStatuses, s.EphemeralContainerStatuses)
}

// imageOf loads an image that runs as a user, and has no program.
func (w *cluster) imageOf(name, user string) string {
	w.t.Helper()
	program := images.Program{
		Reference: "registry.orrery.dev/" + name + ":1", Binary: "doc.go", Path: "/none", Architecture: goruntime.GOARCH, User: user,
	}
	made, err := program.Image()
	if err != nil {
		w.t.Fatal(err)
	}
	archive := filepath.Join(w.t.TempDir(), "image.tar")
	if err := images.WriteArchive(archive, program.Reference, made); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.runtime.Images().Load(w.t.Context(), archive); err != nil {
		w.t.Fatal(err)
	}
	return program.Reference
}
