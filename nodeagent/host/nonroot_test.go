package host

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/pods"
)

func TestNonRootIsHeld(t *testing.T) {
	yes, no := ptr.To(true), ptr.To(false)
	root, user := ptr.To[int64](0), ptr.To[int64](7)
	for _, test := range []struct {
		name      string
		pod       corev1.PodSecurityContext
		container *corev1.SecurityContext
		image     pods.ImageUser
		want      string // before the pod and the container; "" where it may run
	}{
		{"root may run where nothing is asked for", corev1.PodSecurityContext{}, nil, pods.ImageUser{}, ""},
		{"an image of a user that is a number", corev1.PodSecurityContext{RunAsNonRoot: yes}, nil, pods.ImageUser{UID: 7}, ""},
		{"an image that names nobody", corev1.PodSecurityContext{RunAsNonRoot: yes}, nil, pods.ImageUser{},
			"container has runAsNonRoot and image will run as root "},
		{"an image of a user that is a name", corev1.PodSecurityContext{RunAsNonRoot: yes}, nil, pods.ImageUser{Name: "nobody"},
			"container has runAsNonRoot and image has non-numeric user (nobody), cannot verify user is non-root "},
		{"the pod's user counts, not the image's", corev1.PodSecurityContext{RunAsNonRoot: yes, RunAsUser: user}, nil, pods.ImageUser{Name: "nobody"}, ""},
		{"the pod's user is root", corev1.PodSecurityContext{RunAsNonRoot: yes, RunAsUser: root}, nil, pods.ImageUser{UID: 7},
			"container's runAsUser breaks non-root policy "},
		{"the container's user counts, not the pod's", corev1.PodSecurityContext{RunAsNonRoot: yes, RunAsUser: root},
			&corev1.SecurityContext{RunAsUser: user}, pods.ImageUser{}, ""},
		{"the container's user is root", corev1.PodSecurityContext{RunAsNonRoot: yes, RunAsUser: user},
			&corev1.SecurityContext{RunAsUser: root}, pods.ImageUser{}, "container's runAsUser breaks non-root policy "},
		{"the container allows root", corev1.PodSecurityContext{RunAsNonRoot: yes}, &corev1.SecurityContext{RunAsNonRoot: no}, pods.ImageUser{}, ""},
		{"the container alone forbids root", corev1.PodSecurityContext{}, &corev1.SecurityContext{RunAsNonRoot: yes}, pods.ImageUser{},
			"container has runAsNonRoot and image will run as root "},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := pod(func(p *corev1.Pod) { p.Spec.SecurityContext = &test.pod })
			got := ""
			if _, err := New(Options{}).containerSecurity(p, &corev1.Container{Name: "main", SecurityContext: test.container}, test.image); err != nil {
				got = err.Error()
			}
			if test.want != "" {
				test.want += `(pod: "web_shop(uid)", container: main)`
			}
			if got != test.want {
				t.Errorf("it says %q, want %q", got, test.want)
			}
		})
	}
}
