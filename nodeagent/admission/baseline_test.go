package admission

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestWhatIsBeyondTheBaselineLevel(t *testing.T) {
	container := func(change func(*corev1.SecurityContext)) corev1.PodSpec {
		c := corev1.Container{Name: "web", Image: "web:1", SecurityContext: &corev1.SecurityContext{}}
		change(c.SecurityContext)
		return corev1.PodSpec{Containers: []corev1.Container{c}}
	}
	for _, test := range []struct {
		name   string
		judged bool
		spec   corev1.PodSpec
		want   string
	}{
		{"nothing of a pod that asks for nothing", false, container(func(*corev1.SecurityContext) {}), ""},
		{"nothing of one that runs as root in its container", false, container(func(s *corev1.SecurityContext) { s.RunAsUser = new(int64(0)) }), ""},
		{"a privileged container", false, container(func(s *corev1.SecurityContext) { s.Privileged = new(true) }),
			`violates PodSecurity "baseline:latest": privileged (container "web" must not set securityContext.privileged=true)`},
		{"a privileged container that was judged", true, container(func(s *corev1.SecurityContext) { s.Privileged = new(true) }), ""},
		{"a capability", false, container(func(s *corev1.SecurityContext) {
			s.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"SYS_ADMIN"}}
		}), "capabilities"},
		{"the host's files", false, corev1.PodSpec{Volumes: []corev1.Volume{{Name: "root", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}}, "hostPath"},
		{"the host's processes", false, corev1.PodSpec{HostPID: true}, "host namespaces"},
		{"the host's network", false, corev1.PodSpec{HostNetwork: true}, "host namespaces"},
		{"a port of the host", false, corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}}}}, "hostPort"},
		{"a privileged ephemeral container", false, corev1.PodSpec{EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
			Name: "debug", SecurityContext: &corev1.SecurityContext{Privileged: new(true)},
		}}}}, `container "debug" must not set securityContext.privileged=true`},
		{"a privileged init container", false, corev1.PodSpec{InitContainers: []corev1.Container{{Name: "init", SecurityContext: &corev1.SecurityContext{Privileged: new(true)}}}},
			`container "init" must not set securityContext.privileged=true`},
	} {
		t.Run(test.name, func(t *testing.T) {
			forbid, err := Baseline(func(*corev1.Pod) bool { return test.judged })
			if err != nil {
				t.Fatal(err)
			}
			refused := forbid(&corev1.Pod{Spec: test.spec})
			switch {
			case test.want == "" && refused != nil:
				t.Errorf("got %v, want that it runs", refused)
			case test.want != "" && (refused == nil || refused.Reason != "PodSecurity" || !strings.Contains(refused.Message, test.want) || !strings.Contains(refused.Message, "--trust-custom-pods")):
				t.Errorf("got %v, want it to be refused for %q", refused, test.want)
			}
		})
	}
}
