package status

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func pod(change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", UID: "uid", Generation: 3}}
	p.Spec.RestartPolicy = corev1.RestartPolicyAlways
	p.Spec.Containers = []corev1.Container{{Name: "main", Image: "image:1"}}
	for _, c := range change {
		c(p)
	}
	return p
}

func policy(p corev1.RestartPolicy) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.RestartPolicy = p }
}

func withInit(pod *corev1.Pod) {
	pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{Name: "init", Image: "init:1"})
}

func withSidecar(pod *corev1.Pod) {
	always := corev1.ContainerRestartPolicyAlways
	pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{Name: "side", Image: "side:1", RestartPolicy: &always})
}

func ran(status corev1.ContainerStatus) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Status.ContainerStatuses = []corev1.ContainerStatus{status} }
}

// observed is a pod in the runtime with a sandbox and containers, the newest first.
func observed(containers ...cri.Container) cri.Pod {
	return cri.Pod{
		Sandboxes:  []cri.Sandbox{{ID: "sandbox", Ready: true, IPs: []string{"10.0.0.5"}}},
		Containers: containers,
	}
}

func running(name string) cri.Container {
	return cri.Container{RuntimeName: "cri-o", ID: name + "-id", SandboxID: "sandbox", Name: name, State: runtimeapi.ContainerState_CONTAINER_RUNNING, Started: now}
}

func exited(name string, code int32, reason string) cri.Container {
	return cri.Container{
		ID: name + "-old", SandboxID: "sandbox", Name: name, State: runtimeapi.ContainerState_CONTAINER_EXITED,
		Started: now, Finished: now.Add(time.Second), ExitCode: code, Reason: reason,
	}
}

var passing = map[string]Probe{
	"main-id": {Started: true, Ready: true}, "side-id": {Started: true, Ready: true}, "init-id": {Started: true, Ready: true},
}

// told is a status in one line: the phase, each container's state, and the conditions that are not plainly true.
func told(s corev1.PodStatus) string {
	parts := []string{string(s.Phase)}
	if s.Reason != "" {
		parts = append(parts, "("+s.Reason+")")
	}
	for _, list := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses} {
		for _, c := range list {
			text := c.Name + " "
			switch {
			case c.State.Running != nil:
				text += "runs"
			case c.State.Terminated != nil:
				text += fmt.Sprintf("ended %d %s", c.State.Terminated.ExitCode, c.State.Terminated.Reason)
			default:
				text += "waits " + c.State.Waiting.Reason
			}
			if c.LastTerminationState.Terminated != nil {
				text += fmt.Sprintf(" after %d", c.LastTerminationState.Terminated.ExitCode)
			}
			if c.Ready {
				text += " ready"
			}
			parts = append(parts, text+";")
		}
	}
	for _, c := range s.Conditions {
		if c.Status != corev1.ConditionTrue || c.Reason != "" {
			parts = append(parts, fmt.Sprintf("%s=%s:%s", c.Type, c.Status, c.Reason))
		}
	}
	return strings.Join(parts, " ")
}

const (
	noSandbox = "PodReadyToStartContainers=False:PodSandboxNotReady "
	unready   = "Ready=False:ContainersNotReady ContainersReady=False:ContainersNotReady"
	completed = "Initialized=True:PodCompleted Ready=False:PodCompleted ContainersReady=False:PodCompleted"
	failing   = "Ready=False:PodFailed ContainersReady=False:PodFailed"
	notInit   = "Initialized=False:ContainersNotInitialized "
)

func TestStatusSaysWhatUpstreamSays(t *testing.T) {
	waiting := func(reason string) map[string]Waiting { return map[string]Waiting{"main": {Reason: reason}} }
	for _, test := range []struct {
		name string
		in   Input
		want string
	}{
		{"a new pod waits for its container to be created", Input{Pod: pod()},
			"Pending main waits ContainerCreating; " + noSandbox + unready},
		{"a new pod with init containers is initializing", Input{Pod: pod(withInit)},
			"Pending init waits PodInitializing; main waits PodInitializing; " + noSandbox + notInit + unready},
		{"an init container that runs keeps the pod pending", Input{Pod: pod(withInit), Runtime: observed(running("init")), Probes: passing},
			"Pending init runs; main waits PodInitializing; " + notInit + unready},
		{"a pod whose init container succeeded waits for its containers", Input{Pod: pod(withInit), Runtime: observed(exited("init", 0, "Completed"))},
			"Pending init ended 0 Completed ready; main waits PodInitializing; " + unready},
		{"an init container that failed for good fails the pod", Input{Pod: pod(withInit, policy(corev1.RestartPolicyNever)), Runtime: observed(exited("init", 1, "Error"))},
			"Failed init ended 1 Error; main waits PodInitializing; " + notInit + failing},
		{"an init container that failed and is tried again does not", Input{Pod: pod(withInit), Runtime: observed(exited("init", 1, "Error")),
			Waiting: map[string]Waiting{"init": {Reason: "CrashLoopBackOff"}}},
			"Pending init waits CrashLoopBackOff after 1; main waits PodInitializing; " + notInit + unready},
		{"a sidecar that has not started keeps the pod pending", Input{Pod: pod(withSidecar), Runtime: observed(running("side"))},
			"Pending side runs; main waits PodInitializing; " + notInit + unready},
		{"a container that runs and is ready makes the pod ready", Input{Pod: pod(), Runtime: observed(running("main")), Probes: passing},
			"Running main runs ready;"},
		{"a container that runs but has no verdict yet is not ready", Input{Pod: pod(), Runtime: observed(running("main"))},
			"Running main runs; " + unready},
		{"a sidecar that crashed does not make a running pod pending", Input{Pod: pod(withSidecar), Runtime: observed(running("main"), exited("side", 1, "Error")), Probes: passing,
			Waiting: map[string]Waiting{"side": {Reason: "CrashLoopBackOff"}}},
			"Running side waits CrashLoopBackOff after 1; main runs ready; " + unready},
		{"a crashed container waits, and tells how it ended", Input{Pod: pod(), Runtime: observed(exited("main", 137, "OOMKilled")), Waiting: waiting("CrashLoopBackOff")},
			"Running main waits CrashLoopBackOff after 137; " + unready},
		{"a crashed container that is started at once shows how it ended", Input{Pod: pod(), Runtime: observed(exited("main", 2, "Error"))},
			"Running main ended 2 Error; " + unready},
		{"an image that cannot be had keeps the pod pending", Input{Pod: pod(), Runtime: observed(), Waiting: waiting("ImagePullBackOff")},
			"Pending main waits ImagePullBackOff; " + unready},
		{"a pod whose containers succeeded has succeeded", Input{Pod: pod(policy(corev1.RestartPolicyOnFailure)), Runtime: observed(exited("main", 0, "Completed"))},
			"Succeeded main ended 0 Completed; " + completed},
		{"a container that failed is tried again on failure", Input{Pod: pod(policy(corev1.RestartPolicyOnFailure)), Runtime: observed(exited("main", 1, "Error"))},
			"Running main ended 1 Error; " + unready},
		{"a container that failed for good fails the pod", Input{Pod: pod(policy(corev1.RestartPolicyNever)), Runtime: observed(exited("main", 1, "Error"))},
			"Failed main ended 1 Error; " + failing},
		{"a pod that was stopped has succeeded or failed by its exit codes", Input{Pod: pod(), Runtime: observed(exited("main", 143, "Error")), Stopping: true},
			"Failed main ended 143 Error; " + failing},
		{"a pod that failed as a whole says why", Input{Pod: pod(), Runtime: observed(running("main")), Probes: passing, Failure: &Failure{Reason: "DeadlineExceeded"}},
			"Failed (DeadlineExceeded) main runs ready; " + failing},
		{"a phase that is terminal stays", Input{Pod: pod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }), Runtime: observed(running("main")), Probes: passing},
			"Failed main runs ready; " + failing},
		{"a container that was lost counts as one that ended", Input{Pod: pod(ran(corev1.ContainerStatus{
			Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		})), Runtime: observed()},
			"Running main waits ContainerCreating after 137; " + unready},
		{"a container that was lost while the pod was stopped ended for a reason unknown", Input{Pod: pod(ran(corev1.ContainerStatus{
			Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		})), Runtime: observed(), Stopping: true},
			"Failed main ended 137 ContainerStatusUnknown; " + failing},
		{"a closed readiness gate keeps the pod from being ready", Input{Pod: pod(func(p *corev1.Pod) {
			p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "lb"}}
			p.Status.Conditions = []corev1.PodCondition{{Type: "lb", Status: corev1.ConditionFalse}}
		}), Runtime: observed(running("main")), Probes: passing},
			"Running main runs ready; lb=False: Ready=False:ReadinessGatesNotReady"},
		{"a sandbox without an address is not ready", Input{Pod: pod(), Runtime: cri.Pod{Sandboxes: []cri.Sandbox{{ID: "sandbox", Ready: true}}}},
			"Pending main waits ContainerCreating; " + noSandbox + unready},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.TrimSpace(told(Compute(test.in, now))); got != strings.TrimSpace(test.want) {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestComputingAgainChangesNothing(t *testing.T) {
	in := Input{Pod: pod(withSidecar), Runtime: observed(running("main"), running("side"), exited("main", 1, "Error")), Probes: passing, HostIPs: []string{"192.0.2.1"}}
	first := Compute(in, now)
	in.Last = &first
	second := Compute(in, now.Add(time.Hour))
	if !Same(&first, &second) {
		t.Errorf("computed again an hour later it says\n %+v, and before\n %+v", second, first)
	}
	if first.PodIP != "10.0.0.5" || first.HostIP != "192.0.2.1" || first.ObservedGeneration != 3 || first.ContainerStatuses[0].ContainerID != "cri-o://main-id" {
		t.Errorf("the status is %+v", first)
	}
}

func TestConditionsOfOthersStay(t *testing.T) {
	other := corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI"}
	in := Input{Pod: pod(func(p *corev1.Pod) { p.Status.Conditions = []corev1.PodCondition{other} }), Runtime: observed(running("main")), Probes: passing}
	if got := Compute(in, now).Conditions; got[0] != other || len(got) != 6 {
		t.Errorf("the conditions are %+v", got)
	}
}

func TestARefusedPodSaysOnlyWhy(t *testing.T) {
	refused := pod(withInit)
	first := Compute(Input{Pod: refused, Failure: &Failure{Reason: "OutOfcpu", Message: "Pod was rejected: no room"}}, now)
	refused.Status = first
	for name, got := range map[string]corev1.PodStatus{
		"when it is refused":               first,
		"by an agent that is started anew": Compute(Input{Pod: refused}, now.Add(time.Hour)),
	} {
		if got.Phase != corev1.PodFailed || got.Reason != "OutOfcpu" || got.Message != "Pod was rejected: no room" {
			t.Errorf("%s: it is %s, %s: %s", name, got.Phase, got.Reason, got.Message)
		}
		if all := append(got.InitContainerStatuses, got.ContainerStatuses...); len(all) > 0 {
			t.Errorf("%s: it speaks of containers that nobody will make: %+v", name, all)
		}
	}
	late := Compute(Input{Pod: pod(), Last: &corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "main"}}}, Failure: &Failure{Reason: "DeadlineExceeded"}}, now)
	if len(late.ContainerStatuses) != 1 {
		t.Error("a pod that failed while it was being made does not speak of its containers any more")
	}
}

func TestAPodWhoseResizeIsPendingSaysWhy(t *testing.T) {
	got := Compute(Input{Pod: pod(), Runtime: observed(running("main")), ResizePending: &Failure{Reason: corev1.PodReasonInfeasible, Message: "no"}}, now)
	if c := condition(got.Conditions, corev1.PodResizePending); c == nil || c.Status != corev1.ConditionTrue || c.Reason != corev1.PodReasonInfeasible || c.Message != "no" {
		t.Errorf("the condition is %+v", c)
	}
	back := pod()
	back.Status = got
	if c := condition(Compute(Input{Pod: back, Runtime: observed(running("main"))}, now).Conditions, corev1.PodResizePending); c != nil {
		t.Errorf("when it has what it asks for the condition is %+v", c)
	}
}

func TestLastWordsStay(t *testing.T) {
	spoken := func(words string) cri.Pod {
		init, main := exited("init", 0, "Completed"), exited("main", 1, "Error")
		init.Message, main.Message = words, words
		return observed(main, init)
	}
	once := pod(withInit, policy(corev1.RestartPolicyNever))
	told := Compute(Input{Pod: once, Runtime: spoken("farewell")}, now)
	for name, words := range map[string]string{"when the file is gone": "", "when the log is read in its place": "the end of the log"} {
		for whose, in := range map[string]Input{
			"the agent that has told them":  {Pod: once, Last: &told, Runtime: spoken(words)},
			"an agent that is started anew": {Pod: &corev1.Pod{ObjectMeta: once.ObjectMeta, Spec: once.Spec, Status: told}, Runtime: spoken(words)},
		} {
			got := Compute(in, now)
			for _, s := range append(got.InitContainerStatuses, got.ContainerStatuses...) {
				if s.State.Terminated == nil || s.State.Terminated.Message != "farewell" {
					t.Errorf("%s, by %s: %s says %+v", name, whose, s.Name, s.State.Terminated)
				}
			}
		}
	}
	next := spoken("other words")
	next.Containers[0].ID = "main-new"
	if got := Compute(Input{Pod: once, Last: &told, Runtime: next}, now).ContainerStatuses[0].State.Terminated; got.Message != "other words" {
		t.Errorf("another instance says %q", got.Message)
	}
}

func TestAPodThatItsNodeDisruptsSaysSo(t *testing.T) {
	p := pod(func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{
			{Type: "example.com/other", Status: corev1.ConditionTrue},
			{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI", LastTransitionTime: metav1.NewTime(now.Add(-time.Hour))},
		}
	})
	in := Input{Pod: p, Runtime: observed(running("main")), Failure: &Failure{Reason: "Evicted", Message: "it was low", Disrupts: true}}
	first := Compute(in, now)
	var found []corev1.PodCondition
	for i := range first.Conditions {
		if Writes(&first.Conditions[i]) && !Owned(first.Conditions[i].Type) {
			found = append(found, first.Conditions[i])
		}
	}
	if len(found) != 1 || found[0].Reason != "TerminationByKubelet" || found[0].Message != "it was low" || found[0].ObservedGeneration != 3 ||
		condition(first.Conditions, "example.com/other") == nil {
		t.Fatalf("the conditions are %+v", first.Conditions)
	}
	p = p.DeepCopy()
	p.Status = first
	in.Pod, in.Last = p, &first
	if again := Compute(in, now.Add(time.Minute)); !Same(&first, &again) {
		t.Errorf("the next status is\n%+v\nand the one before\n%+v", again, first)
	}
}
