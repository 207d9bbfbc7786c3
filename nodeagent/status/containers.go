package status

import (
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// Reasons of a container's state, as upstream spells them.
const (
	ContainerCreating      = "ContainerCreating"
	PodInitializing        = "PodInitializing"
	ContainerStatusUnknown = "ContainerStatusUnknown"
)

type role int

const (
	appContainer role = iota
	initContainer
	ephemeralContainer
)

// containers makes the statuses of one list of containers, in the order of the spec.
func (in *Input) containers(specs []corev1.Container, last []corev1.ContainerStatus, role role) []corev1.ContainerStatus {
	statuses := make([]corev1.ContainerStatus, 0, len(specs))
	for i := range specs {
		statuses = append(statuses, in.container(&specs[i], find(last, specs[i].Name), role))
	}
	if len(statuses) == 0 {
		return nil
	}
	return statuses
}

func (in *Input) container(spec *corev1.Container, last *corev1.ContainerStatus, role role) corev1.ContainerStatus {
	latest := in.Runtime.Latest(spec.Name)
	s := corev1.ContainerStatus{Name: spec.Name, Image: spec.Image, VolumeMounts: mounts(spec, latest)}
	if latest == nil {
		in.absent(&s, last, role)
	} else {
		in.observed(&s, latest, last)
	}
	in.waiting(&s, spec, role)
	in.readiness(&s, spec, latest, role)
	if role == appContainer {
		s.AllocatedResourcesStatus = in.Health[spec.Name]
	}
	switch {
	case role == ephemeralContainer:
	case Terminal(in.Pod.Status.Phase) && last != nil: // nobody remembers what a pod that is over was allocated
		s.Resources, s.AllocatedResources, s.AllocatedResourcesStatus = last.Resources, last.AllocatedResources, last.AllocatedResourcesStatus
	case latest != nil:
		s.Resources, s.AllocatedResources = in.resources(spec, latest, last), spec.Resources.Requests.DeepCopy()
	}
	return s
}

// absent speaks of a container that the runtime does not have: it has not been made yet, or it was lost.
func (in *Input) absent(s, last *corev1.ContainerStatus, role role) {
	reason := ContainerCreating
	if len(in.Pod.Spec.InitContainers) > 0 {
		reason = PodInitializing
	}
	s.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason}
	if last == nil {
		in.skippedInit(s, role)
		return
	}
	if in.restarted && role != ephemeralContainer && last.State.Waiting == nil {
		in.takenAway(s, last)
		return
	}
	s.RestartCount, s.LastTerminationState = last.RestartCount, last.LastTerminationState
	switch {
	case last.State.Terminated != nil:
		*s = *last
	case last.State.Running != nil:
		lost := &corev1.ContainerStateTerminated{
			Reason:   ContainerStatusUnknown,
			Message:  "The container could not be located when the pod was terminated",
			ExitCode: 137,
		}
		if in.Stopping {
			s.State = corev1.ContainerState{Terminated: lost}
			return
		}
		lost.Message = "The container could not be located when the pod was deleted.  The container used to be Running"
		s.LastTerminationState = corev1.ContainerState{Terminated: lost}
		s.RestartCount++
	default:
		in.skippedInit(s, role)
	}
}

// skippedInit marks an init container of which nothing is left as done when the containers after it were made.
func (in *Input) skippedInit(s *corev1.ContainerStatus, role role) {
	if role != initContainer {
		return
	}
	for i := range in.Pod.Spec.InitContainers {
		if spec := &in.Pod.Spec.InitContainers[i]; spec.Name == s.Name && restart.Sidecar(spec) {
			return
		}
	}
	for i := range in.Pod.Spec.Containers {
		if in.Runtime.Latest(in.Pod.Spec.Containers[i].Name) != nil {
			s.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				Reason:  "Completed",
				Message: "Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally",
			}}
			return
		}
	}
}

func (in *Input) observed(s *corev1.ContainerStatus, c *cri.Container, last *corev1.ContainerStatus) {
	s.RestartCount = c.Restarts
	s.ContainerID = c.ContainerID()
	s.ImageID = c.ImageRef
	if c.Image != "" {
		s.Image = c.Image
	}
	if c.HasUser && c.Running() {
		s.User = &corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{UID: c.UID, GID: c.GID, SupplementalGroups: c.Supplemental}}
	}
	if c.StopSignal != "" {
		signal := corev1.Signal(c.StopSignal)
		s.StopSignal = &signal
	}
	switch {
	case c.Running():
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.Started).Rfc3339Copy()}
	case c.Exited():
		s.State.Terminated = ended(c, last)
	default:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: ContainerCreating}
	}
	s.LastTerminationState = in.before(c, last)
	if s.LastTerminationState.Terminated == nil && last != nil {
		s.LastTerminationState = last.LastTerminationState
		if last.State.Terminated != nil && last.ContainerID != s.ContainerID {
			s.LastTerminationState = last.State
		}
	}
}

// before returns how the instance before this one ended, as far as the runtime still has it.
func (in *Input) before(c *cri.Container, last *corev1.ContainerStatus) corev1.ContainerState {
	for i := range in.Runtime.Containers {
		older := &in.Runtime.Containers[i]
		if older.Name == c.Name && older.ID != c.ID && older.Exited() && !older.CreatedAt.After(c.CreatedAt) {
			return corev1.ContainerState{Terminated: ended(older, last)}
		}
	}
	return corev1.ContainerState{}
}

// ended is how an instance ended. Its last words are what was told of it first: the files that hold them go before it does.
func ended(c *cri.Container, last *corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	state := &corev1.ContainerStateTerminated{
		ExitCode:    c.ExitCode,
		Reason:      c.Reason,
		Message:     c.Message,
		StartedAt:   metav1.NewTime(c.Started).Rfc3339Copy(),
		FinishedAt:  metav1.NewTime(c.Finished).Rfc3339Copy(),
		ContainerID: c.ContainerID(),
	}
	if last == nil {
		return state
	}
	for _, told := range []*corev1.ContainerStateTerminated{last.State.Terminated, last.LastTerminationState.Terminated} {
		if told != nil && told.ContainerID == state.ContainerID {
			state.Message = told.Message
		}
	}
	return state
}

// waiting shows why a container that will be started again is not running.
func (in *Input) waiting(s *corev1.ContainerStatus, spec *corev1.Container, role role) {
	why, ok := in.Waiting[spec.Name]
	if !ok || in.Stopping || s.State.Running != nil || role == ephemeralContainer && s.State.Terminated != nil {
		return
	}
	if ended := s.State.Terminated; ended != nil {
		again := restart.Allowed(&in.Pod.Spec, spec, ended.ExitCode)
		if role == initContainer && !restart.Sidecar(spec) {
			again = restart.AllowedInit(&in.Pod.Spec, spec, ended.ExitCode)
		}
		if !again {
			return
		}
		s.LastTerminationState = s.State
	}
	s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: why.Reason, Message: why.Message}}
}

// readiness sets ready and started. A regular init container is ready when it has succeeded.
func (in *Input) readiness(s *corev1.ContainerStatus, spec *corev1.Container, latest *cri.Container, role role) {
	started := false
	if s.State.Running != nil && latest != nil {
		probe := in.Probes[latest.ID]
		started = probe.Started
		s.Ready = role != ephemeralContainer && probe.Started && probe.Ready && (role == appContainer || restart.Sidecar(spec))
	}
	if role == initContainer && !restart.Sidecar(spec) {
		s.Ready = s.State.Terminated != nil && s.State.Terminated.ExitCode == 0
	}
	s.Started = &started
}

// mounts are as its newest instance has them.
func mounts(spec *corev1.Container, latest *cri.Container) []corev1.VolumeMountStatus {
	var statuses []corev1.VolumeMountStatus
	for _, mount := range spec.VolumeMounts {
		status := corev1.VolumeMountStatus{Name: mount.Name, MountPath: mount.MountPath, ReadOnly: mount.ReadOnly}
		if mount.ReadOnly {
			mode := corev1.RecursiveReadOnlyDisabled
			if latest != nil && slices.Contains(latest.RecursiveReadOnly, path.Join("/", mount.MountPath)) {
				mode = corev1.RecursiveReadOnlyEnabled
			}
			status.RecursiveReadOnly = &mode
		}
		statuses = append(statuses, status)
	}
	return statuses
}

func find(statuses []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range statuses {
		if statuses[i].Name == name {
			return &statuses[i]
		}
	}
	return nil
}
