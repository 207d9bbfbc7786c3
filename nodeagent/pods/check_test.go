package pods

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/enginetest"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// TestAnyStoryEndsWell breaks things in any order, then lets all be well, and looks at what has become of it: no container ever
// ran twice, every pod that should run does, and nothing is left of those that were deleted.
func TestAnyStoryEndsWell(t *testing.T) {
	enginetest.Check(t, enginetest.Spec[types.UID, *World, *actor, *stage]{
		Start: func(t *rapid.T, env *enginetest.Env) *stage {
			s := newStageWith(rapid.Bool().Draw(t, "graceful deletion"), env.Clock(), env.Call)
			s.tell = env.Tell
			return s
		},
		Loop: func(s *stage) engine.Loop[types.UID, *World, *actor] {
			s.restart()
			return syncLoop{s.loop}
		},
		Keys: func(s *stage) []types.UID {
			s.hear(context.Background())
			return slices.Sorted(maps.Keys(s.loop.workers))
		},
		State:  (*stage).state,
		Change: func(t *rapid.T, s *stage) { s.changeAnything(t) },
		Calm: func(s *stage) {
			s.runtime.Break(nil)
			s.server.down = false
		},
		Invariant: func(s *stage) error { return s.single(context.Background()) },
		Converged: (*stage).allWell,
	})
}

// state is all that counts of runtime and server.
func (s *stage) state() string {
	var lines []string
	sandboxes, _ := s.runtime.ListPodSandbox(context.Background(), nil) // none while it is away
	for _, sandbox := range sandboxes {
		lines = append(lines, fmt.Sprintf("sandbox %s of %s: %s", sandbox.Id, sandbox.Metadata.Name, sandbox.State))
	}
	containers, _ := s.runtime.ListContainers(context.Background(), nil)
	for _, c := range containers {
		lines = append(lines, fmt.Sprintf("container %s in %s: %s", c.Metadata.Name, c.PodSandboxId, c.State))
	}
	for uid, pod := range s.server.pods {
		lines = append(lines, fmt.Sprintf("pod %s: %v, %s", uid, pod.DeletionTimestamp, pod.Status.String()))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// changeAnything is what users do and what breaks.
func (s *stage) changeAnything(t *rapid.T) {
	running := s.running(context.Background())
	slices.SortFunc(running, func(a, b *runtimeapi.Container) int { return strings.Compare(a.Id, b.Id) })
	pods := slices.Sorted(maps.Keys(s.server.pods))
	changes := map[string]func(){
		"create a pod":           func() { s.createAny(t) },
		"the API server goes":    func() { s.server.down = true },
		"the API server is back": func() { s.server.down = false },
		"the runtime goes":       func() { s.runtime.Break(errors.New("the runtime is away")) },
		"the runtime is back":    func() { s.runtime.Break(nil) },
	}
	if len(running) > 0 {
		changes["a container crashes"] = func() { s.runtime.Kill(rapid.SampledFrom(running).Draw(t, "which").Id, 1, "Error") }
		changes["a sandbox dies"] = func() { s.runtime.KillSandbox(rapid.SampledFrom(running).Draw(t, "of which").PodSandboxId) }
	}
	if len(pods) > 0 {
		changes["a pod is deleted"] = func() { s.delete(rapid.SampledFrom(pods).Draw(t, "which")) }
	}
	what := rapid.SampledFrom(slices.Sorted(maps.Keys(changes))).Draw(t, "change")
	s.tell("%s", what)
	changes[what]()
}

// createAny makes a pod that is to run for ever, or to an end.
func (s *stage) createAny(t *rapid.T) {
	always := corev1.ContainerRestartPolicyAlways
	policy := rapid.SampledFrom([]corev1.RestartPolicy{
		corev1.RestartPolicyAlways, corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever,
	}).Draw(t, "restart policy")
	sidecar, hasInit, hooks := rapid.Bool().Draw(t, "sidecar"), rapid.Bool().Draw(t, "init"), rapid.Bool().Draw(t, "hooks")
	s.create(fmt.Sprint("pod-", s.made), func(pod *corev1.Pod) {
		pod.Spec.RestartPolicy = policy
		pod.Annotations = map[string]string{}
		if policy != corev1.RestartPolicyAlways {
			pod.Annotations[simulated.AnnotationPrefix+"run-for.main"] = "3s"
		} else if sidecar {
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{Name: "side", Image: "side:1", RestartPolicy: &always})
		}
		if hasInit {
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{Name: "init", Image: "init:1"})
			pod.Annotations[simulated.AnnotationPrefix+"run-for.init"] = "2s"
		}
		if hooks {
			hook := &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 1}}
			pod.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PostStart: hook, PreStop: hook}
		}
	})
}

// allWell says what is wrong once nothing changes any more.
func (s *stage) allWell() error {
	running := map[string]int{}
	for _, c := range s.running(context.Background()) {
		running[c.Labels[cri.LabelPodUID]]++
	}
	for uid, pod := range s.server.pods {
		wanted := 0
		if pod.Spec.RestartPolicy == corev1.RestartPolicyAlways {
			wanted = len(pod.Spec.Containers)
			for _, c := range pod.Spec.InitContainers {
				if c.RestartPolicy != nil {
					wanted++
				}
			}
		}
		switch phase := pod.Status.Phase; {
		case pod.DeletionTimestamp != nil:
			return fmt.Errorf("pod %s was deleted and is still there", uid)
		case running[string(uid)] != wanted:
			return fmt.Errorf("of pod %s %d containers run, want %d", uid, running[string(uid)], wanted)
		case wanted > 0 && phase != corev1.PodRunning,
			wanted == 0 && phase != corev1.PodSucceeded && (phase != corev1.PodFailed || pod.Spec.RestartPolicy != corev1.RestartPolicyNever):
			return fmt.Errorf("pod %s, whose restart policy is %s, is %s: %+v", uid, pod.Spec.RestartPolicy, phase, pod.Status.ContainerStatuses)
		}
		delete(running, string(uid))
	}
	sandboxes, err := s.runtime.ListPodSandbox(context.Background(), nil)
	if err != nil || len(running) > 0 {
		return fmt.Errorf("containers run of pods that are gone: %v (%w)", running, err)
	}
	for _, sandbox := range sandboxes {
		if s.server.pods[types.UID(sandbox.Labels[cri.LabelPodUID])] == nil {
			return fmt.Errorf("sandbox %s is left of a pod that is gone", sandbox.Id)
		}
	}
	return nil
}
