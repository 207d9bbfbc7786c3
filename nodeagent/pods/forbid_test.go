package pods

import (
	"slices"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// noPrivileges forbids pods with a privileged container.
func noPrivileges(pod *corev1.Pod) *status.Failure {
	all := slices.Clone(pod.Spec.Containers)
	for _, c := range pod.Spec.EphemeralContainers {
		all = append(all, corev1.Container(c.EphemeralContainerCommon))
	}
	for _, c := range all {
		if c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged {
			return &status.Failure{Reason: "PodSecurity", Message: "a privileged container"}
		}
	}
	return nil
}

// Who may write pods may write all of a pod, its status too, where the API server knows them as custom resources without rules.
func TestAForbiddenPodRunsByNoDetour(t *testing.T) {
	harmless := corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "image"}}}
	privileged := harmless.DeepCopy()
	privileged.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
	for name, detour := range map[string]func(l *live) *corev1.Pod{
		"made as it is": func(l *live) *corev1.Pod { return l.get(l.create("web", *privileged, nil)) },
		"that says it has run before": func(l *live) *corev1.Pod {
			pod := l.get(l.create("web", harmless, nil)).DeepCopy()
			l.loop.Remove(pod.UID)
			pod.UID, pod.Name, pod.Spec = "uid-other", "other", *privileged
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main"}}
			l.put(pod)
			return pod
		},
		"that has changed while it ran": func(l *live) *corev1.Pod {
			pod := l.get(l.create("web", harmless, nil)).DeepCopy()
			synctest.Wait()
			if l.running(pod.UID, "main") == "" {
				l.t.Error("the harmless pod does not run")
			}
			pod = l.get(pod.UID).DeepCopy()
			pod.Spec = *privileged
			l.put(pod)
			return pod
		},
		"that got an ephemeral container": func(l *live) *corev1.Pod {
			pod := l.get(l.create("web", harmless, nil))
			synctest.Wait()
			pod = l.get(pod.UID).DeepCopy()
			pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
				Name: "debug", Image: "image", SecurityContext: privileged.Containers[0].SecurityContext,
			}}}
			l.put(pod)
			return pod
		},
		"that was there before the agent was started": func(l *live) *corev1.Pod {
			l.stop()
			pod := &corev1.Pod{Spec: *privileged}
			pod.Namespace, pod.Name, pod.UID = "default", "web", "uid-web"
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main"}}
			l.mu.Lock()
			l.pods[pod.UID] = pod
			l.mu.Unlock()
			l.start()
			return pod
		},
	} {
		t.Run("one "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t)
				defer func() { l.stop() }()
				l.stop()
				l.forbid = noPrivileges
				l.start()
				pod := detour(l)
				synctest.Wait()
				for _, container := range []string{"main", "debug"} {
					if id := l.running(pod.UID, container); id != "" {
						t.Errorf("container %s runs", container)
					}
				}
				got := l.get(pod.UID).Status
				if got.Phase != corev1.PodFailed || got.Reason != "PodSecurity" || got.Message != "Pod was rejected: a privileged container" {
					t.Errorf("the pod is %s: %s: %s", got.Phase, got.Reason, got.Message)
				}
				if want := pod.Name + " PodSecurity"; !slices.Contains(l.events, want) {
					t.Errorf("there are the events %q, want %q", l.events, want)
				}
			})
		})
	}
}
