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
	"github.com/orrery-dev/orrery/nodeagent/cgroups"
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
			if rapid.Bool().Draw(t, "pods have something for themselves") {
				s.host.assigned = map[types.UID]bool{}
			}
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
		changes["a pod is to be resized"] = func() { s.resizeAny(t, rapid.SampledFrom(pods).Draw(t, "which")) }
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
		if rapid.Bool().Draw(t, "limits") {
			pod.Spec.Containers[0].Resources = amounts("200m", "32Mi")
		}
		if policy != corev1.RestartPolicyNever && rapid.Bool().Draw(t, "restarted to be resized") {
			pod.Spec.Containers[0].ResizePolicy = []corev1.ContainerResizePolicy{{ResourceName: corev1.ResourceMemory, RestartPolicy: corev1.RestartContainer}}
		}
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

// resizeAny changes what some container of a pod asks for.
func (s *stage) resizeAny(t *rapid.T, uid types.UID) {
	s.resize(uid, func(pod *corev1.Pod) {
		list := pod.Spec.Containers
		if len(pod.Spec.InitContainers) > 0 && rapid.Bool().Draw(t, "an init container") {
			list = pod.Spec.InitContainers
		}
		list[0].Resources = amounts(rapid.SampledFrom([]string{"100m", "200m", "400m"}).Draw(t, "CPU"), rapid.SampledFrom([]string{"16Mi", "32Mi", "64Mi"}).Draw(t, "memory"))
	})
}

// asSpecified says what a running container of a pod lacks of what its spec asks for.
func (s *stage) asSpecified(pod *corev1.Pod, running *runtimeapi.Container) error {
	w := World{Pod: pod}
	spec := w.spec(running.Metadata.Name)
	wants := plainHost{}.Resources(pod, AmountsOf(pod, spec))
	got, err := s.runtime.ContainerStatus(context.Background(), running.Id, false)
	if err != nil {
		return err
	}
	has := got.Status.Resources.Linux
	if has.MemoryLimitInBytes != wants.MemoryLimitInBytes || has.CpuQuota != wants.CpuQuota || has.CpuShares != wants.CpuShares {
		return fmt.Errorf("container %s of pod %s has %v, want %v", spec.Name, pod.UID, has, wants)
	}
	if group := s.host.groups[pod.UID]; group != cgroups.Of(&pod.Spec) {
		return fmt.Errorf("the group of pod %s has %+v, want %+v", pod.UID, group, cgroups.Of(&pod.Spec))
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodResizePending || c.Type == corev1.PodResizeInProgress {
			return fmt.Errorf("pod %s says that it is being resized: %+v", pod.UID, c)
		}
	}
	return nil
}

// allWell says what is wrong once nothing changes any more.
func (s *stage) allWell() error {
	running := map[string]int{}
	for _, c := range s.running(context.Background()) {
		running[c.Labels[cri.LabelPodUID]]++
		if pod := s.server.pods[types.UID(c.Labels[cri.LabelPodUID])]; pod != nil && pod.DeletionTimestamp == nil {
			if err := s.asSpecified(pod, c); err != nil {
				return err
			}
		}
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
