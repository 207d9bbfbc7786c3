package pods

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// server stands for an API server that can be away. It is the edge of our code, and nothing of it is under test.
type server struct {
	pods map[types.UID]*corev1.Pod
	down bool
}

var errAway = errors.New("the API server is away")

func (s *server) WriteStatus(_ context.Context, pod *corev1.Pod, wanted *corev1.PodStatus) error {
	if s.down {
		return errAway
	}
	if found := s.pods[pod.UID]; found != nil {
		updated := found.DeepCopy()
		updated.Status = *wanted.DeepCopy()
		s.pods[pod.UID] = updated
	}
	return nil
}

func (s *server) Delete(_ context.Context, pod *corev1.Pod) error {
	if s.down {
		return errAway
	}
	delete(s.pods, pod.UID)
	return nil
}

// plainHost has no disk.
type plainHost struct{}

func (plainHost) Prepare(context.Context, *corev1.Pod, []string) error { return nil }
func (plainHost) CleanUp(context.Context, *corev1.Pod) error           { return nil }
func (plainHost) Forget(*corev1.Pod) error                             { return nil }
func (plainHost) Traces() ([]string, error)                            { return nil, nil }
func (plainHost) Finish([]cri.Container)                               {}
func (plainHost) Credentials(context.Context, *corev1.Pod, string) ([]*runtimeapi.AuthConfig, error) {
	return nil, nil
}

func (plainHost) Sandbox(_ context.Context, pod *corev1.Pod) (*runtimeapi.PodSandboxConfig, string, error) {
	return &runtimeapi.PodSandboxConfig{
		Metadata:    &runtimeapi.PodSandboxMetadata{Name: pod.Name, Namespace: pod.Namespace, Uid: string(pod.UID)},
		Labels:      map[string]string{cri.LabelPodUID: string(pod.UID), cri.LabelPodName: pod.Name, cri.LabelPodNamespace: pod.Namespace},
		Annotations: pod.Annotations,
	}, "", nil
}

func (plainHost) Container(_ context.Context, pod *corev1.Pod, spec *corev1.Container, of ContainerOf) (*runtimeapi.ContainerConfig, error) {
	return &runtimeapi.ContainerConfig{
		Metadata:    &runtimeapi.ContainerMetadata{Name: spec.Name, Attempt: uint32(of.Restarts)},
		Image:       &runtimeapi.ImageSpec{Image: of.Image, UserSpecifiedImage: spec.Image},
		Labels:      map[string]string{cri.LabelPodUID: string(pod.UID), cri.LabelContainerName: spec.Name},
		Annotations: map[string]string{cri.AnnotationRestartCount: fmt.Sprint(of.Restarts), cri.AnnotationHash: Hash(spec)},
	}, nil
}

// stage is a node on a stepped clock, whose loop is driven by hand.
type stage struct {
	clock   *clocktesting.FakeClock
	runtime *simulated.Runtime
	server  *server
	loop    *Loop
	log     []string
	grace   bool
}

func newStage(graceful bool) *stage {
	s := &stage{clock: clocktesting.NewFakeClock(start), server: &server{pods: map[types.UID]*corev1.Pod{}}, grace: graceful}
	s.runtime = simulated.New(simulated.Options{Clock: s.clock})
	s.restart()
	return s
}

// restart starts the agent anew: all that it remembered is lost.
func (s *stage) restart() {
	if s.loop != nil {
		s.loop.probes.Stop()
	}
	s.loop = New(Options{
		Agent: "node", Runtime: s.runtime, Host: plainHost{}, Hooks: s.runtime, Prober: s.runtime, API: s.server, Clock: s.clock,
		HostIPs: func() []string { return []string{"192.0.2.1"} }, Graceful: s.grace, Log: logr.Discard(),
		Event: func(pod *corev1.Pod, container, _, reason, _ string) {
			s.log = append(s.log, strings.TrimSpace(fmt.Sprintf("%s %s %s", pod.Name, reason, container)))
		},
	})
	for _, pod := range s.server.pods {
		s.loop.Set(pod)
	}
}

// turn tells the loop what the server has and passes once over every pod, until nothing changes or the rounds are over.
func (s *stage) turn(ctx context.Context, rounds int) error {
	for range rounds {
		if err := s.loop.Adopt(ctx); err != nil {
			return nil // the runtime is away: nothing happens
		}
		for uid := range s.loop.workers {
			if pod := s.server.pods[uid]; pod != nil {
				s.loop.Set(pod)
			} else if !s.loop.workers[uid].orphan {
				s.loop.Remove(uid)
			}
		}
		for uid, pod := range s.server.pods {
			if s.loop.workers[uid] == nil {
				s.loop.Set(pod)
			}
		}
		for uid := range s.loop.workers {
			s.loop.pass(ctx, uid)
			s.loop.statuses.write(ctx, uid)
			if err := s.single(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// single fails when a container of a pod has two running instances, or a sandbox is not the agent's own.
func (s *stage) single(ctx context.Context) error {
	containers, err := s.runtime.ListContainers(ctx, nil)
	if err != nil {
		return nil
	}
	seen := map[string]string{}
	for _, c := range containers {
		if c.State != runtimeapi.ContainerState_CONTAINER_RUNNING {
			continue
		}
		key := c.Labels[cri.LabelPodUID] + "/" + c.Metadata.Name
		if other := seen[key]; other != "" {
			return fmt.Errorf("container %s runs twice: %s and %s", key, other, c.Id)
		}
		seen[key] = c.Id
	}
	return nil
}

func (s *stage) create(name string, change func(*corev1.Pod)) types.UID {
	uid := types.UID(fmt.Sprintf("uid-%s-%d", name, len(s.server.pods)))
	grace := int64(30)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: uid}}
	pod.Spec = corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyAlways, TerminationGracePeriodSeconds: &grace,
		Containers: []corev1.Container{{Name: "main", Image: "image:1"}},
	}
	if change != nil {
		change(pod)
	}
	s.server.pods[uid] = pod
	return uid
}

// delete asks for a pod's end as the API under the naming does.
func (s *stage) delete(uid types.UID) {
	pod := s.server.pods[uid]
	if pod == nil {
		return
	}
	if !s.grace {
		delete(s.server.pods, uid)
		return
	}
	updated := pod.DeepCopy()
	now := metav1.NewTime(s.clock.Now())
	updated.DeletionTimestamp, updated.DeletionGracePeriodSeconds = &now, updated.Spec.TerminationGracePeriodSeconds
	s.server.pods[uid] = updated
}

func (s *stage) phase(uid types.UID) corev1.PodPhase {
	if pod := s.server.pods[uid]; pod != nil {
		return pod.Status.Phase
	}
	return ""
}

func (s *stage) running(ctx context.Context) []*runtimeapi.Container {
	all, _ := s.runtime.ListContainers(ctx, nil)
	var found []*runtimeapi.Container
	for _, c := range all {
		if c.State == runtimeapi.ContainerState_CONTAINER_RUNNING {
			found = append(found, c)
		}
	}
	return found
}

// TestAnyStoryEndsWell breaks things in any order, then lets all be well, and looks at what has become of it: no container ever
// ran twice, every pod that should run does, and nothing is left of those that were deleted.
func TestAnyStoryEndsWell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		s := newStage(rapid.Bool().Draw(t, "graceful deletion"))
		defer func() { s.loop.probes.Stop() }()
		number := 0
		do := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"create a pod": func(t *rapid.T) {
				number++
				sidecar, hasInit := rapid.Bool().Draw(t, "sidecar"), rapid.Bool().Draw(t, "init")
				s.create(fmt.Sprintf("pod-%d", number), func(pod *corev1.Pod) {
					always := corev1.ContainerRestartPolicyAlways
					if sidecar {
						pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{Name: "side", Image: "side:1", RestartPolicy: &always})
					}
					if hasInit {
						pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{Name: "init", Image: "init:1"})
						pod.Annotations = map[string]string{"simulated.orrery.dev/run-for.init": "2s"}
					}
				})
			},
			"pass":                   func(*rapid.T) { do(s.turn(ctx, 1)) },
			"time passes":            func(t *rapid.T) { s.clock.Step(time.Duration(rapid.IntRange(1, 400).Draw(t, "seconds")) * time.Second) },
			"the agent restarts":     func(*rapid.T) { s.restart() },
			"the API server goes":    func(*rapid.T) { s.server.down = true },
			"the API server is back": func(*rapid.T) { s.server.down = false },
			"the runtime goes":       func(*rapid.T) { s.runtime.Break(errors.New("the runtime is away")) },
			"the runtime is back":    func(*rapid.T) { s.runtime.Break(nil) },
			"a container crashes": func(t *rapid.T) {
				if running := s.running(ctx); len(running) > 0 {
					s.runtime.Kill(rapid.SampledFrom(running).Draw(t, "which").Id, 1, "Error")
				}
			},
			"a sandbox dies": func(t *rapid.T) {
				if running := s.running(ctx); len(running) > 0 {
					s.runtime.KillSandbox(rapid.SampledFrom(running).Draw(t, "which").PodSandboxId)
				}
			},
			"a pod is deleted": func(t *rapid.T) {
				for uid := range s.server.pods {
					if rapid.Bool().Draw(t, "this one") {
						s.delete(uid)
					}
				}
			},
			"": func(t *rapid.T) { do(s.single(ctx)) },
		})
		s.runtime.Break(nil)
		s.server.down = false
		for range 8 {
			do(s.turn(ctx, 12))
			s.clock.Step(6 * time.Minute)
		}
		do(s.turn(ctx, 12))
		for uid, pod := range s.server.pods {
			if pod.DeletionTimestamp != nil {
				t.Fatalf("pod %s was deleted and is still there: %+v", uid, s.loop.Last(uid))
			}
			if pod.Status.Phase != corev1.PodRunning {
				t.Fatalf("pod %s is %s: %+v; plan %+v", uid, pod.Status.Phase, pod.Status.ContainerStatuses, s.loop.Last(uid))
			}
		}
		wanted := 0
		for _, pod := range s.server.pods {
			wanted += len(pod.Spec.Containers)
			for _, c := range pod.Spec.InitContainers {
				if c.RestartPolicy != nil {
					wanted++
				}
			}
		}
		if running := s.running(ctx); len(running) != wanted {
			t.Fatalf("%d containers run, want %d", len(running), wanted)
		}
		sandboxes, err := s.runtime.ListPodSandbox(ctx, nil)
		if err != nil || len(sandboxes) != len(s.server.pods) {
			t.Fatalf("there are %d sandboxes for %d pods (%v)", len(sandboxes), len(s.server.pods), err)
		}
	})
}

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
		s.loop.pass(t.Context(), second)
		if plan := s.loop.Last(second); len(plan.Steps) != 0 || plan.Why == "" {
			t.Errorf("while the first one stops, the plan about the second is %+v", plan)
		}
		if err := s.turn(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		if s.phase(second) != corev1.PodRunning {
			t.Errorf("the second one is %s", s.phase(second))
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

// told returns the events of some reasons, in order.
func (s *stage) told(reasons ...string) string {
	var found []string
	for _, line := range s.log {
		_, rest, _ := strings.Cut(line, " ")
		for _, reason := range reasons {
			if strings.HasPrefix(rest, reason+" ") {
				found = append(found, rest)
			}
		}
	}
	return strings.Join(found, ", ")
}
