package pods

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// restartsAll has a container ask for the restart of all when it ends with 42, and for nothing else.
func restartsAll(c *corev1.Container) {
	c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyNever)
	c.RestartPolicyRules = []corev1.ContainerRestartRule{{
		Action:    corev1.ContainerRestartRuleActionRestartAllContainers,
		ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: corev1.ContainerRestartRuleOnExitCodesOpIn, Values: []int32{42}},
	}}
}

// together is a pod that never restarts but as a whole: an init container, a sidecar, one that runs, one that ends for good, and one
// that asks for the restart when it has run for ten seconds.
func together(pod *corev1.Pod) {
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.InitContainers = []corev1.Container{container("init", nil), sidecar("side")}
	pod.Spec.Containers = []corev1.Container{container("main", nil), container("brief", nil), container("source", restartsAll)}
	pod.Annotations = map[string]string{
		"simulated.orrery.dev/run-for.init": "1s", "simulated.orrery.dev/run-for.brief": "1s",
		"simulated.orrery.dev/run-for.source": "10s", "simulated.orrery.dev/exit-code.source": "42",
	}
}

func (s *stage) pass(t *testing.T, seconds int, each func()) {
	t.Helper()
	for range seconds {
		if err := s.turn(t.Context(), 6); err != nil {
			t.Fatal(err)
		}
		if each != nil {
			each()
		}
		s.clock.Step(time.Second)
	}
	if err := s.turn(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
}

func counts(pod *corev1.Pod) string {
	var found []string
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		found = append(found, fmt.Sprintf("%s %d", c.Name, c.RestartCount))
	}
	return strings.Join(found, ", ")
}

func TestAContainerThatAsksForItHasAllRestarted(t *testing.T) {
	s := newStage(true)
	uid := s.create("together", together)
	s.pass(t, 5, nil)
	if got := counts(s.server.pods[uid]); got != "init 0, side 0, main 0, brief 0, source 0" {
		t.Fatalf("before, restarts are %s", got)
	}
	said := false
	s.log = nil
	s.pass(t, 15, func() {
		pod := s.server.pods[uid]
		said = said || status.RestartingAll(&pod.Status)
		if status.Terminal(pod.Status.Phase) {
			t.Fatalf("the pod is %s", pod.Status.Phase)
		}
	})
	pod := s.server.pods[uid]
	if got := counts(pod); got != "init 1, side 1, main 1, brief 1, source 1" {
		t.Errorf("after, restarts are %s", got)
	}
	if got := s.told("Started"); got != "Started init, Started side, Started main, Started brief, Started source" {
		t.Errorf("it went %s", got)
	}
	if pod.Status.Phase != corev1.PodRunning || status.RestartingAll(&pod.Status) {
		t.Errorf("the pod is %s, with %v", pod.Status.Phase, pod.Status.Conditions)
	}
	if !said && !restartWasTold(s, pod) {
		t.Error("nobody was told that all are being restarted")
	}
	sandboxes, err := s.runtime.ListPodSandbox(t.Context(), nil)
	if err != nil || len(sandboxes) != 1 {
		t.Errorf("there are %d sandboxes (%v), want the one it had", len(sandboxes), err)
	}
}

// restartWasTold looks for what the restart leaves in the statuses.
func restartWasTold(_ *stage, pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.LastTerminationState.Terminated != nil && c.LastTerminationState.Terminated.Reason == "RestartingAllContainers"
	})
}

// TestARestartOfAllSurvivesTheAgent stops the agent after every number of passes, and starts it anew.
func TestARestartOfAllSurvivesTheAgent(t *testing.T) {
	for passes := range 25 {
		t.Run(fmt.Sprintf("after %d passes", passes), func(t *testing.T) {
			s := newStage(true)
			uid := s.create("together", together)
			s.pass(t, 12, nil)
			s.hear(t.Context())
			for range passes {
				s.loop.engine.Pass(t.Context(), uid)
			}
			s.restart()
			s.pass(t, 8, nil)
			pod := s.server.pods[uid]
			if pod.Status.Phase != corev1.PodRunning || runningNames(t.Context(), s) != "main, side, source" {
				t.Errorf("the pod is %s, and %s run: %s", pod.Status.Phase, runningNames(t.Context(), s), counts(pod))
			}
		})
	}
}

func runningNames(ctx context.Context, s *stage) string {
	var found []string
	for _, c := range s.running(ctx) {
		found = append(found, c.Metadata.Name)
	}
	slices.Sort(found)
	return strings.Join(found, ", ")
}

func TestAPodThatIsDeletedRestartsNothing(t *testing.T) {
	s := newStage(true)
	uid := s.create("together", together)
	s.pass(t, 9, nil)
	s.delete(uid)
	s.pass(t, 60, nil)
	if len(s.server.pods) != 0 || len(s.running(t.Context())) != 0 {
		t.Errorf("left are %d pods and %s", len(s.server.pods), runningNames(t.Context(), s))
	}
	all, err := s.runtime.ListContainers(t.Context(), &runtimeapi.ContainerFilter{})
	if err != nil || len(all) != 0 {
		t.Errorf("left are %v (%v)", all, err)
	}
}
