package pods

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/status"
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
				time.Sleep(time.Minute) //nolint:forbidigo // on the bubble's clock
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
		first := l.loop.Evict(uid, Eviction{Message: "it has taken too much", Grace: time.Second})
		if again := l.loop.Evict(uid, Eviction{Message: "and more"}); !first || again {
			t.Errorf("it was evicted: %t, and again: %t", first, again)
		}
		time.Sleep(minimumGrace + time.Second)
		synctest.Wait()
		pod := l.get(uid)
		if pod.Status.Phase != corev1.PodFailed || pod.Status.Reason != "Evicted" || pod.Status.Message != "it has taken too much" {
			t.Errorf("the pod is %s, %s: %s", pod.Status.Phase, pod.Status.Reason, pod.Status.Message)
		}
		if got := stateOf(pod, "main"); got != "ended 137" {
			t.Errorf("its container is %q", got)
		}
	})
}

func TestAPodIsOverWhenItsLastContainerHasEnded(t *testing.T) {
	slow := container("main", preStops(20))
	never := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{slow}, TerminationGracePeriodSeconds: ptr.To[int64](60)}
	limited, failing := *never.DeepCopy(), *never.DeepCopy()
	limited.ActiveDeadlineSeconds = ptr.To[int64](10)
	side := sidecar("side")
	side.Lifecycle = slow.Lifecycle
	failing.InitContainers = []corev1.Container{side, container("init", nil)}
	for _, test := range []struct {
		name   string
		spec   corev1.PodSpec
		end    func(l *live, uid types.UID)
		before corev1.PodPhase
		reason string
	}{
		{"that is evicted with grace", never, func(l *live, uid types.UID) {
			l.loop.Evict(uid, Eviction{Message: "it took too much", Grace: time.Minute, Disrupts: true})
		}, corev1.PodRunning, "Evicted"},
		{"that ends because its machine goes down", never, func(l *live, uid types.UID) {
			l.loop.Evict(uid, Eviction{Reason: "Terminated", Message: "down", Grace: time.Minute, Disrupts: true})
		}, corev1.PodRunning, "Terminated"},
		{"that was active for too long", limited, func(*live, types.UID) {}, corev1.PodRunning, "DeadlineExceeded"},
		{"whose init container failed beside a sidecar", failing, func(*live, types.UID) {}, corev1.PodPending, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t)
				defer func() { l.stop() }()
				uid := l.create("web", test.spec, map[string]string{"run-for.init": "10s", "exit-code.init": "1"})
				time.Sleep(12 * time.Second) //nolint:forbidigo // on the bubble's clock
				test.end(l, uid)
				time.Sleep(8 * time.Second) //nolint:forbidigo // on the bubble's clock
				synctest.Wait()
				pod := l.get(uid)
				if pod.Status.Phase != test.before || pod.Status.Reason != "" || disrupted(pod) {
					t.Errorf("while its container ends it is %s (%s), disrupted: %t", pod.Status.Phase, pod.Status.Reason, disrupted(pod))
				}
				for _, c := range pod.Status.Conditions {
					if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
						t.Errorf("it is ready: %+v", c)
					}
				}
				time.Sleep(time.Minute) //nolint:forbidigo // on the bubble's clock
				synctest.Wait()
				pod = l.get(uid)
				if pod.Status.Phase != corev1.PodFailed || pod.Status.Reason != test.reason || disrupted(pod) != slices.Contains([]string{"Evicted", "Terminated"}, test.reason) {
					t.Errorf("in the end it is %s (%s), disrupted: %t", pod.Status.Phase, pod.Status.Reason, disrupted(pod))
				}
			})
		})
	}
}

func disrupted(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.DisruptionTarget })
}

func TestPodsThatAreOverLetGoOfTheirContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer func() { l.stop() }()
		over := l.create("over", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{container("main", nil)}}, map[string]string{"run-for": "1s"})
		running := l.create("running", corev1.PodSpec{Containers: []corev1.Container{container("main", nil)}}, nil)
		time.Sleep(10 * time.Second)
		before := l.get(over).Status
		if before.Phase != corev1.PodSucceeded || !l.loop.Ended(over) || l.loop.Ended(running) {
			t.Fatalf("the pod is %s; it has ended: %t, and the one that runs: %t", before.Phase, l.loop.Ended(over), l.loop.Ended(running))
		}
		if err := l.loop.DeleteAllUnusedContainers(t.Context()); err != nil {
			t.Fatal(err)
		}
		for uid, want := range map[types.UID]int{over: 0, running: 1} {
			left, err := cri.ReadPod(t.Context(), l.runtime, "node", string(uid))
			if err != nil || len(left.Containers) != want || len(left.Sandboxes) != want {
				t.Errorf("of pod %s there are %d containers in %d sandboxes (%v), want %d", uid, len(left.Containers), len(left.Sandboxes), err, want)
			}
		}
		l.restart()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if after := l.get(over).Status; !status.Same(&before, &after) {
			t.Errorf("the status was\n%+v\nand is\n%+v", before, after)
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
