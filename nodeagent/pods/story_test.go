package pods

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func TestStories(t *testing.T) {
	t.Run("a container that keeps crashing is started ever later", func(t *testing.T) {
		s := newStage(true)
		uid := s.create("crash", func(pod *corev1.Pod) {
			pod.Annotations = map[string]string{"simulated.orrery.dev/run-for": "1s", "simulated.orrery.dev/exit-code": "1"}
		})
		var starts []time.Duration
		last := int32(-1)
		for range 700 {
			if err := s.turn(t.Context(), 6); err != nil {
				t.Fatal(err)
			}
			if c := s.server.pods[uid].Status.ContainerStatuses; len(c) > 0 && c[0].State.Running != nil && c[0].RestartCount != last {
				last = c[0].RestartCount
				starts = append(starts, s.clock.Since(start))
			}
			s.clock.Step(time.Second)
		}
		// Each wait counts from the end of an instance, which ran for one second; the first restart is at once.
		want := "[0s 1s 12s 33s 1m14s 2m35s 5m16s 10m17s]"
		if got := fmt.Sprint(starts); got != want {
			t.Errorf("the container was started at %s, want %s", got, want)
		}
		waiting := s.server.pods[uid].Status.ContainerStatuses[0].State.Waiting
		if waiting == nil || waiting.Reason != "CrashLoopBackOff" || !strings.HasPrefix(waiting.Message, "back-off 5m0s restarting failed container=main") {
			t.Errorf("the container waits because of %+v", waiting)
		}
	})

	t.Run("init containers run one after the other, and sidecars stop last and in reverse", func(t *testing.T) {
		s := newStage(true)
		always := corev1.ContainerRestartPolicyAlways
		uid := s.create("ordered", func(pod *corev1.Pod) {
			pod.Spec.InitContainers = []corev1.Container{
				{Name: "side-1", Image: "i:1", RestartPolicy: &always}, {Name: "init", Image: "i:1"}, {Name: "side-2", Image: "i:1", RestartPolicy: &always},
			}
			pod.Annotations = map[string]string{"simulated.orrery.dev/run-for.init": "5s"}
		})
		for range 10 {
			if err := s.turn(t.Context(), 3); err != nil {
				t.Fatal(err)
			}
			s.clock.Step(time.Second)
		}
		if s.phase(uid) != corev1.PodRunning {
			t.Fatalf("the pod is %s", s.phase(uid))
		}
		s.delete(uid)
		if err := s.turn(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		want := "Started side-1, Started init, Started side-2, Started main, Killing main, Killing side-2, Killing side-1"
		if got := s.told("Started", "Killing"); got != want {
			t.Errorf("it went\n  %s, want\n  %s", got, want)
		}
		if len(s.server.pods) != 0 || len(s.loop.workers) != 0 {
			t.Errorf("something is left: %v %v", s.server.pods, s.loop.workers)
		}
	})

	t.Run("a pod of another agent is never touched", func(t *testing.T) {
		s := newStage(true)
		_, err := s.runtime.RunPodSandbox(t.Context(), &runtimeapi.PodSandboxConfig{
			Metadata: &runtimeapi.PodSandboxMetadata{Name: "foreign"},
			Labels:   map[string]string{cri.LabelPodUID: "foreign", cri.LabelAgent: "another"},
		}, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.turn(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		found, err := s.runtime.ListPodSandbox(t.Context(), nil)
		if err != nil || len(found) != 1 || found[0].State != runtimeapi.PodSandboxState_SANDBOX_READY {
			t.Errorf("the other agent's sandbox is %v (%v)", found, err)
		}
	})

	t.Run("a pod that may not be active for longer fails, and its containers end", func(t *testing.T) {
		s := newStage(true)
		limit := int64(60)
		uid := s.create("brief", func(pod *corev1.Pod) { pod.Spec.ActiveDeadlineSeconds = &limit })
		if err := s.turn(t.Context(), 6); err != nil {
			t.Fatal(err)
		}
		s.clock.Step(time.Minute)
		if err := s.turn(t.Context(), 6); err != nil {
			t.Fatal(err)
		}
		if got := s.server.pods[uid].Status; got.Phase != corev1.PodFailed || got.Reason != "DeadlineExceeded" || len(s.running(t.Context())) != 0 {
			t.Errorf("the pod is %s because of %q, and %d containers run", got.Phase, got.Reason, len(s.running(t.Context())))
		}
	})

	t.Run("a pod of the same name waits for the one before, where the API lets go at once", func(t *testing.T) {
		s := newStage(false)
		first := s.create("web", nil)
		if err := s.turn(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		s.delete(first)
		second := types.UID("second")
		s.server.pods[second] = func() *corev1.Pod {
			uid := s.create("web", nil)
			pod := s.server.pods[uid]
			delete(s.server.pods, uid)
			pod.UID = second
			return pod
		}()
		s.loop.Remove(first)
		s.loop.Set(s.server.pods[second])
		s.loop.engine.Pass(t.Context(), second)
		plan, err := Inspect(s.loop).Preview(t.Context(), "default/web")
		if want := "nothing to do: waiting for the pod that had this name before to stop"; err != nil || plan != want {
			t.Errorf("while the first one stops, the plan about the second is %s (%v)", plan, err)
		}
		if err := s.turn(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		if s.phase(second) != corev1.PodRunning {
			t.Errorf("the second one is %s", s.phase(second))
		}
	})

	t.Run("a custom resource that a finalizer holds gets the grace of its spec", func(t *testing.T) {
		s := newStage(false)
		uid := s.create("held", nil)
		if err := s.turn(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		pod := s.server.pods[uid].DeepCopy()
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &metav1.Time{Time: s.clock.Now()}, new(int64)
		s.loop.Set(pod)
		plan, err := s.loop.engine.Preview(t.Context(), uid)
		if err != nil {
			t.Fatal(err)
		}
		if want := "stop container main with 30s of grace: the pod is being deleted"; plan.String() != want {
			t.Errorf("the plan is\n%s, want\n%s", plan, want)
		}
	})

	t.Run("containers go on while the API server is away, and the status is written when it is back", func(t *testing.T) {
		s := newStage(true)
		uid := s.create("web", nil)
		if err := s.turn(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		s.server.down = true
		s.runtime.Kill(s.running(t.Context())[0].Id, 3, "Error")
		if err := s.turn(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		if len(s.running(t.Context())) != 1 || s.server.pods[uid].Status.ContainerStatuses[0].RestartCount != 0 {
			t.Error("the container was not started again, or its status was written to a server that is away")
		}
		s.server.down = false
		if err := s.turn(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		got := s.server.pods[uid].Status.ContainerStatuses[0]
		if got.RestartCount != 1 || got.LastTerminationState.Terminated == nil || got.LastTerminationState.Terminated.ExitCode != 3 {
			t.Errorf("the status is %+v", got)
		}
	})
}
