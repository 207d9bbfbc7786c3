package pods

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"
)

func sidecar(name string) corev1.Container {
	return container(name, func(c *corev1.Container) { c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways) })
}

func TestHowPodsEnd(t *testing.T) {
	for _, test := range []struct {
		name        string
		spec        corev1.PodSpec
		annotations map[string]string
		want        corev1.PodPhase
		states      map[string]string
	}{
		{
			"a pod with a sidecar succeeds when its containers have, and the sidecar is stopped",
			corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, InitContainers: []corev1.Container{sidecar("side")}, Containers: []corev1.Container{container("main", nil)}},
			map[string]string{"run-for.main": "10s"}, corev1.PodSucceeded, map[string]string{"main": "ended 0", "side": "ended 143"},
		},
		{
			"one whose containers failed has failed",
			corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, InitContainers: []corev1.Container{sidecar("side")}, Containers: []corev1.Container{container("main", nil)}},
			map[string]string{"run-for.main": "10s", "exit-code.main": "1"}, corev1.PodFailed, map[string]string{"main": "ended 1", "side": "ended 143"},
		},
		{
			"a sidecar keeps running beside a container that does",
			corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, InitContainers: []corev1.Container{sidecar("side")}, Containers: []corev1.Container{container("main", nil), container("quick", nil)}},
			map[string]string{"run-for.quick": "10s"}, corev1.PodRunning, map[string]string{"main": "running 0", "quick": "ended 0", "side": "running 0"},
		},
		{
			"and beside one that is started again",
			corev1.PodSpec{RestartPolicy: corev1.RestartPolicyOnFailure, InitContainers: []corev1.Container{sidecar("side")}, Containers: []corev1.Container{container("main", nil)}},
			map[string]string{"run-for.main": "15s", "exit-code.main": "1"}, corev1.PodRunning, map[string]string{"side": "running 0"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t)
				defer func() { l.stop() }()
				uid := l.create("web", test.spec, test.annotations)
				time.Sleep(time.Minute)
				synctest.Wait()
				pod := l.get(uid)
				for name, want := range test.states {
					if got := stateOf(pod, name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				if pod.Status.Phase != test.want {
					t.Errorf("the pod is %s, want %s", pod.Status.Phase, test.want)
				}
			})
		})
	}
}

func TestWhatHasEndedIsNotRunAgainInAnotherSandbox(t *testing.T) {
	for _, test := range []struct {
		name   string
		spec   corev1.PodSpec
		states map[string]string
	}{
		{
			"that succeeded, where only what failed is run again",
			corev1.PodSpec{RestartPolicy: corev1.RestartPolicyOnFailure, Containers: []corev1.Container{container("done", nil), container("goes-on", nil)}},
			map[string]string{"done": "ended 0", "goes-on": "running 1"},
		},
		{
			"whose own policy says never",
			corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways, Containers: []corev1.Container{
				container("done", func(c *corev1.Container) { c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyNever) }), container("goes-on", nil),
			}},
			map[string]string{"done": "ended 0", "goes-on": "running 1"},
		},
		{
			"unless everything is",
			corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways, Containers: []corev1.Container{container("done", nil), container("goes-on", nil)}},
			map[string]string{"goes-on": "running 1"},
		},
	} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the agent restarted: %t", test.name, restarted), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLive(t)
					defer func() { l.stop() }()
					uid := l.create("web", test.spec, map[string]string{"run-for.done": "5s"})
					time.Sleep(7 * time.Second)
					if restarted {
						l.stop()
					}
					sandboxes, err := l.runtime.ListPodSandbox(t.Context(), nil)
					if err != nil || len(sandboxes) != 1 {
						t.Fatalf("the sandboxes are %v (%v)", sandboxes, err)
					}
					if err := l.runtime.StopPodSandbox(t.Context(), sandboxes[0].Id); err != nil {
						t.Fatal(err)
					}
					if restarted {
						l.start()
					}
					l.loop.Wake(uid)
					time.Sleep(3 * time.Second)
					synctest.Wait()
					for name, want := range test.states {
						if got := stateOf(l.get(uid), name); got != want {
							t.Errorf("%s is %q, want %q", name, got, want)
						}
					}
				})
			})
		}
	}
}

func TestAPodThatIsEvictedEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer func() { l.stop() }()
		uid := l.create("web", corev1.PodSpec{Containers: []corev1.Container{container("main", nil)}}, map[string]string{"stop-delay": "20s"})
		time.Sleep(10 * time.Second)
		l.loop.Evict(uid, "it has taken too much")
		l.loop.Evict(uid, "and more")
		time.Sleep(minimumGrace + time.Second)
		synctest.Wait()
		pod := l.get(uid)
		if pod.Status.Phase != corev1.PodFailed || pod.Status.Reason != "Evicted" || pod.Status.Message != "it has taken too much" {
			t.Errorf("the pod is %s, %s: %s", pod.Status.Phase, pod.Status.Reason, pod.Status.Message)
		}
		if got := stateOf(pod, "main"); got != "ended 137" {
			t.Errorf("its container is %q", got)
		}
		evictions := 0
		for _, event := range l.events {
			if event == "web Evicted" {
				evictions++
			}
		}
		if evictions != 1 {
			t.Errorf("the events are %q", l.events)
		}
	})
}

func TestTheInstanceBeforeStaysForItsLogsThoughItsSandboxIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer func() { l.stop() }()
		uid := l.create("web", corev1.PodSpec{Containers: []corev1.Container{container("main", nil)}}, nil)
		time.Sleep(5 * time.Second)
		for restarts := 1; restarts <= 3; restarts++ {
			before := l.running(uid, "main")
			sandboxes, err := l.runtime.ListPodSandbox(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, sandbox := range sandboxes {
				if err := l.runtime.StopPodSandbox(t.Context(), sandbox.Id); err != nil {
					t.Fatal(err)
				}
			}
			l.loop.Wake(uid)
			time.Sleep(time.Minute)
			synctest.Wait()
			if got, want := stateOf(l.get(uid), "main"), fmt.Sprintf("running %d", restarts); got != want {
				t.Errorf("the container is %q, want %q", got, want)
			}
			containers, err := l.runtime.ListContainers(t.Context(), nil)
			if err != nil || len(containers) != 2 || !slices.ContainsFunc(containers, func(c *runtimeapi.Container) bool { return c.Id == before }) {
				t.Errorf("after %d restarts the containers are %v (%v), want the one before, %s, and the one that runs", restarts, containers, err, before)
			}
		}
	})
}
