package status

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// Input is all that a pod's status follows from.
type Input struct {
	Pod *corev1.Pod
	// Last is the status that was computed before; nil means the one in Pod.
	Last    *corev1.PodStatus
	Runtime cri.Pod
	// Waiting says, by container name, why a container that should run does not.
	Waiting map[string]Waiting
	// Probes holds what the probes found, by container ID. An absent entry means that nothing is known yet.
	Probes map[string]Probe
	// Stopping says that no container will be started again, whatever the restart policy.
	Stopping bool
	// Failure, when set, fails the pod as a whole: deadline exceeded, rejected, evicted.
	Failure *Failure
	// Active: a container runs, or is being started. Until the last one has ended the pod is in no terminal phase.
	Active  bool
	HostIPs []string
	// ResizePending is why the pod cannot get the requests and limits that its spec asks for by now, with the reason Deferred or
	// Infeasible; nil if it was allocated what it asks for.
	ResizePending *Failure
	// ResizeInProgress is set until the pod has what it was allocated.
	ResizeInProgress *Resize
	// Given are, by container ID, the requests and limits that the agent gave to running containers, for what the runtime does not tell.
	Given map[string]Amounts
	// Health is how the devices of containers are, by the containers' names.
	Health map[string][]corev1.ResourceStatus
	// Group are the limits that the pod's control group has.
	Group Amounts
	// StartedAgain are the IDs of containers that are started again whatever their restart policy: they were stopped to be resized.
	StartedAgain []string

	// restartingAll: a container has ended in a way that asks for the restart of all, and they are being taken away.
	restartingAll bool
	// restarted: they were, when the last status was computed.
	restarted bool
}

// Waiting is a reason such as CrashLoopBackOff with its message.
type Waiting struct{ Reason, Message string }

// Probe is what the probes of one running container found.
type Probe struct {
	// Started: the startup probe succeeded, or there is none; the postStart hook ended.
	Started bool
	// Ready: the readiness probe says so, or there is none.
	Ready bool
}

// Amounts are requests and limits of a container: CPU in thousandths, memory in bytes; zero is none.
type Amounts struct{ CPURequest, CPULimit, MemoryRequest, MemoryLimit int64 }

// Resize is a resize that is under way.
type Resize struct {
	// Generation is that of the spec which is being obeyed.
	Generation int64
	// Error is what went wrong when it was tried last; "" if nothing did.
	Error string
}

// Failure is why a pod as a whole has failed.
type Failure struct {
	Reason, Message string
	// Disrupts: the pod failed because of its node, and through no fault of its own. Disruption is what its condition says of that; as
	// Message if empty.
	Disrupts   bool
	Disruption string
}

// Compute makes the status. The times in it come from the runtime and from now.
func Compute(in Input, now time.Time) corev1.PodStatus {
	pod, last := in.Pod, in.Last
	if last == nil {
		last = &pod.Status
	}
	in.restarted = RestartingAll(last)
	in.restartingAll = in.restartsAll()
	s := corev1.PodStatus{
		ObservedGeneration:          pod.Generation,
		NominatedNodeName:           pod.Status.NominatedNodeName,
		StartTime:                   last.StartTime,
		QOSClass:                    pod.Status.QOSClass,
		ResourceClaimStatuses:       pod.Status.ResourceClaimStatuses,
		ExtendedResourceClaimStatus: pod.Status.ExtendedResourceClaimStatus,
	}
	if s.StartTime == nil {
		s.StartTime = &metav1.Time{Time: now.Truncate(time.Second)}
	}
	if s.QOSClass == "" {
		s.QOSClass = QOSClass(&pod.Spec)
	}
	s.InitContainerStatuses = in.containers(pod.Spec.InitContainers, last.InitContainerStatuses, initContainer)
	s.ContainerStatuses = in.containers(pod.Spec.Containers, last.ContainerStatuses, appContainer)
	s.EphemeralContainerStatuses = in.containers(ephemeral(pod), last.EphemeralContainerStatuses, ephemeralContainer)
	setPhase(&s, &in, last)
	setAddresses(&s, &in, last)
	setConditions(&s, &in, last, now) // of the phase that it comes to: a pod that is to end is not ready
	in.awaitEnd(&s, last)
	in.setResources(&s)
	if s.Phase == corev1.PodFailed && in.neverBegun(last) {
		s.InitContainerStatuses, s.ContainerStatuses, s.EphemeralContainerStatuses = nil, nil, nil
	}
	return s
}

// neverBegun says whether nothing of the pod was ever made or spoken of: it was refused. Statuses of its containers would hide why.
func (in *Input) neverBegun(last *corev1.PodStatus) bool {
	return len(last.InitContainerStatuses)+len(last.ContainerStatuses) == 0 && len(in.Runtime.Sandboxes)+len(in.Runtime.Containers) == 0
}

// Same says whether two statuses say the same to a reader of the API.
func Same(a, b *corev1.PodStatus) bool { return equality.Semantic.DeepEqual(a, b) }

// Terminal says whether the phase is one that a pod never leaves.
func Terminal(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

// Over says whether a pod with this status is not to run any more: it is in a terminal phase, or would be if none of its containers ran
// that are to end.
// Containers with the IDs in again are started again, whatever their restart policy.
func Over(spec *corev1.PodSpec, s *corev1.PodStatus, again []string) bool {
	if Terminal(s.Phase) {
		return true
	}
	all := RestartingAll(s)
	initial, app := countInit(spec, s.InitContainerStatuses, all), countApp(spec, s.ContainerStatuses, again, all)
	return initial.failed > 0 || initial.pending == 0 && app.running+app.waiting+app.restartable == 0
}

func setPhase(s *corev1.PodStatus, in *Input, last *corev1.PodStatus) {
	s.Phase = phase(in, s)
	switch {
	case in.Failure != nil:
		s.Phase = corev1.PodFailed
	case Terminal(in.Pod.Status.Phase):
		s.Phase = in.Pod.Status.Phase
	case Terminal(last.Phase):
		s.Phase = last.Phase
	}
	switch {
	case in.Failure != nil:
		s.Reason, s.Message = in.Failure.Reason, in.Failure.Message
	case s.Phase == last.Phase:
		s.Reason, s.Message = last.Reason, last.Message
	}
}

// awaitEnd has a pod stay in the phase that it was in until its last container has ended: whoever sees that it is over may take what it
// had. Upstream's kubelet does so.
func (in *Input) awaitEnd(s, last *corev1.PodStatus) {
	if !in.Active || !Terminal(s.Phase) || Terminal(last.Phase) || Terminal(in.Pod.Status.Phase) {
		return
	}
	s.Phase, s.Reason, s.Message = last.Phase, last.Reason, last.Message
	if s.Phase == "" {
		s.Phase = corev1.PodPending
	}
}

func setAddresses(s *corev1.PodStatus, in *Input, last *corev1.PodStatus) {
	for _, ip := range in.HostIPs {
		s.HostIPs = append(s.HostIPs, corev1.HostIP{IP: ip})
	}
	var ips []string
	switch sandbox := in.Runtime.Ready(); {
	case in.Pod.Spec.HostNetwork && len(in.Runtime.Sandboxes) > 0:
		ips = in.HostIPs
	case sandbox != nil:
		ips = sandbox.IPs
	}
	for _, ip := range ips {
		s.PodIPs = append(s.PodIPs, corev1.PodIP{IP: ip})
	}
	if len(s.PodIPs) == 0 && (len(in.Runtime.Sandboxes) > 0 || Terminal(last.Phase)) {
		s.PodIPs = last.PodIPs // the sandbox is stopped, or was collected, but it had these
	}
	if len(s.HostIPs) > 0 {
		s.HostIP = s.HostIPs[0].IP
	}
	if len(s.PodIPs) > 0 {
		s.PodIP = s.PodIPs[0].IP
	}
}

// ephemeral returns the ephemeral containers in the shape of the others.
func ephemeral(pod *corev1.Pod) []corev1.Container {
	containers := make([]corev1.Container, 0, len(pod.Spec.EphemeralContainers))
	for i := range pod.Spec.EphemeralContainers {
		containers = append(containers, corev1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	return containers
}

// phase follows from the containers alone.
func phase(in *Input, s *corev1.PodStatus) corev1.PodPhase {
	spec := &in.Pod.Spec
	initial := countInit(spec, s.InitContainerStatuses, in.restartingAll)
	app := countApp(spec, s.ContainerStatuses, in.StartedAgain, in.restartingAll)
	running := app.running + initial.sidecarsRunning
	hasRun := anyAppStarted(s.ContainerStatuses)
	switch {
	case initial.failed > 0:
		return corev1.PodFailed
	case initial.pending > 0, initial.sidecarsPending > 0 && !hasRun, app.waiting > 0, initial.sidecarsWaiting > 0 && !hasRun:
		return corev1.PodPending
	case running > 0:
		return corev1.PodRunning
	case app.stopped == 0:
		return corev1.PodPending
	case !in.Stopping && app.restartable > 0:
		return corev1.PodRunning
	case app.stopped == app.succeeded:
		return corev1.PodSucceeded
	default:
		return corev1.PodFailed
	}
}

type initCounts struct{ pending, failed, sidecarsPending, sidecarsRunning, sidecarsWaiting int }

// countInit counts; all says that every one that has ended is started again.
func countInit(spec *corev1.PodSpec, statuses []corev1.ContainerStatus, all bool) (n initCounts) {
	for i := range spec.InitContainers {
		container, status := &spec.InitContainers[i], &statuses[i]
		ended := terminated(status)
		switch {
		case restart.Sidecar(container) && status.State.Running != nil:
			n.sidecarsRunning++
			if status.Started == nil || !*status.Started {
				n.sidecarsPending++
			}
		case restart.Sidecar(container) && ended == nil:
			n.sidecarsWaiting++
		case restart.Sidecar(container):
			// A sidecar that ended says nothing about the phase.
		case ended == nil, all, ended.Reason == restartingAllContainers:
			n.pending++
		case ended.ExitCode != 0 && !restart.AllowedInit(spec, container, ended.ExitCode):
			n.failed++
		case ended.ExitCode != 0:
			n.pending++
		}
	}
	return n
}

type appCounts struct{ running, waiting, stopped, succeeded, restartable int }

// countApp counts; all says that every one that has ended is started again, and again are the IDs of those that are in any case.
func countApp(spec *corev1.PodSpec, statuses []corev1.ContainerStatus, again []string, all bool) (n appCounts) {
	for i := range spec.Containers {
		ended := terminated(&statuses[i])
		switch {
		case statuses[i].State.Running != nil:
			n.running++
		case ended == nil:
			n.waiting++
		default:
			n.stopped++
			if ended.ExitCode == 0 && statuses[i].State.Terminated != nil {
				n.succeeded++
			}
			if all || ended.Reason == restartingAllContainers || restart.Allowed(spec, &spec.Containers[i], ended.ExitCode) || slices.ContainsFunc(again, func(id string) bool { return strings.HasSuffix(ended.ContainerID, "://"+id) }) {
				n.restartable++
			}
		}
	}
	return n
}

// terminated returns how a container that does not run ended, also if it waits to be started again.
func terminated(status *corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	switch {
	case status.State.Running != nil:
		return nil
	case status.State.Terminated != nil:
		return status.State.Terminated
	default:
		return status.LastTerminationState.Terminated
	}
}

func anyAppStarted(statuses []corev1.ContainerStatus) bool {
	for i := range statuses {
		if statuses[i].State.Running != nil || terminated(&statuses[i]) != nil {
			return true
		}
	}
	return false
}
