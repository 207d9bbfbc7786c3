package pods

import (
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/probes"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// World is all that a decision about one pod needs.
type World struct {
	// Pod is the pod as it was last seen, with the requests and limits that it was allocated. Of an orphan, only what the labels of its
	// sandboxes tell is there.
	Pod *corev1.Pod
	// Wanted is the pod as it was last seen, if its spec asks for other requests or limits by now; else nil.
	Wanted *corev1.Pod
	// Refused is why it cannot have them now; nil if it can.
	Refused *status.Failure
	// Resized is how far the last resize has come; nil if the pod never was resized.
	Resized *checkpoint
	// Gone: the API server does not have the pod any more.
	Gone bool
	// Orphan: this agent has never seen the pod; only the runtime or the disk knows of it.
	Orphan bool
	// Graceful: the API keeps a deleted pod until the agent removes it.
	Graceful bool
	// Protects: no container starts before network policies hold for the pod.
	Protects bool
	// Unassigned: the pod has not been given all that it is to have for itself of the node.
	Unassigned bool
	// Health is how the devices of its containers are, by the containers' names.
	Health map[string][]corev1.ResourceStatus
	// Predecessor: another pod of this name is still being stopped on this node.
	Predecessor bool
	// Next: the pod is static, and is to run again once it has ended: its manifest went and came back.
	Next bool
	// Preempting: pods end to make room for this one.
	Preempting bool
	// Written is the status that the API server is known to have; nil for an orphan, and for a static pod without mirror.
	Written *corev1.PodStatus
	Runtime cri.Pod
	// Tasks are the names of the tasks that are under way.
	Tasks []string
	// Probes holds the verdicts by container ID.
	Probes  map[string]probes.Verdict
	HostIPs []string
	// RestLimit is how long a container rests at most that keeps failing.
	RestLimit restart.Limit
	Memory    Memory
}

// Memory is what the loop itself remembers about a pod. It is lost with the agent, and nothing depends on it but pace.
type Memory struct {
	// Status is the last one that was computed.
	Status *corev1.PodStatus
	// Failure is why the pod as a whole has failed, and EvictionGrace what its containers get to end if that is not for its spec to say; nil
	// if it is.
	Failure       *status.Failure
	EvictionGrace *time.Duration
	// Prepared is when volumes and directories were last made or refreshed.
	Prepared time.Time
	// Protected is the sandbox for whose addresses network policies hold.
	Protected string
	// Stale: what volumes are made of has changed since they were made or refreshed.
	Stale bool
	// Starts holds, by container name, why the last attempt to start it failed.
	Starts map[string]StartFailure
	// Crashes holds the back-off by container name.
	Crashes map[string]restart.BackOff
	// Pulls holds the failed pulls by image.
	Pulls map[string]PullFailure
	// ResizeFailed is why the pod could not be given what it was allocated when that was tried last.
	ResizeFailed ResizeFailure
	// Stopping is when the pod was first asked to stop.
	Stopping time.Time
	// Killing holds, by container ID, the containers that have begun to be stopped.
	Killing map[string]Killing
	// Cleaned: volumes and directories are gone.
	Cleaned bool
	// Collect: what the runtime has of it is to be removed once the pod is over, whoever may still want to see it.
	Collect bool
	// Deleted: the API server was asked to remove the object.
	Deleted bool
}

// StartFailure is why a container could not be started.
type StartFailure struct {
	status.Waiting
	At time.Time
}

// ResizeFailure is why a resize got no further. The zero value is none.
type ResizeFailure struct {
	Message string
	At      time.Time
}

// PullFailure is a failed pull and how long to wait before the next.
type PullFailure struct {
	Error   string
	At      time.Time
	BackOff restart.BackOff
}

// Killing is how far a container's end has come.
type Killing struct {
	// Since is when it began.
	Since time.Time
	// Grace is what the container was given.
	Grace time.Duration
	// Hooked: its preStop hook has ended, or is not waited for.
	Hooked bool
}

// copy returns a memory that no step can change.
func (m *Memory) copy() Memory {
	c := *m
	c.Starts, c.Crashes, c.Pulls, c.Killing = maps.Clone(m.Starts), maps.Clone(m.Crashes), maps.Clone(m.Pulls), maps.Clone(m.Killing)
	return c
}

// deleting says whether somebody wants the pod to end.
func (w *World) deleting() bool { return w.Gone || w.Orphan || w.Pod.DeletionTimestamp != nil }

// underWay says whether a task is.
func (w *World) underWay(task string) bool { return slices.Contains(w.Tasks, task) }

// starting is the name of the container whose start is under way, "" if there is none.
func (w *World) starting() string {
	for _, task := range w.Tasks {
		if container, starts := strings.CutPrefix(task, startTask); starts {
			return container
		}
	}
	return ""
}

// grace is how long containers get to end, counted from when the pod was asked to stop.
func (w *World) grace() time.Duration {
	if given := w.Memory.EvictionGrace; given != nil {
		return max(minimumGrace, *given)
	}
	seconds := w.Pod.Spec.TerminationGracePeriodSeconds
	// A custom resource that a finalizer holds says zero, which nobody asked for.
	if asked := w.Pod.DeletionGracePeriodSeconds; w.Pod.DeletionTimestamp != nil && asked != nil && (w.Graceful || *asked > 0) {
		seconds = asked
	}
	if seconds == nil {
		return corev1.DefaultTerminationGracePeriodSeconds * time.Second
	}
	return time.Duration(*seconds) * time.Second
}

// spec is that of a container of whatever kind, or nil.
func (w *World) spec(container string) *corev1.Container {
	for _, list := range [][]corev1.Container{w.Pod.Spec.Containers, w.Pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == container {
				return &list[i]
			}
		}
	}
	for i := range w.Pod.Spec.EphemeralContainers {
		if spec := (*corev1.Container)(&w.Pod.Spec.EphemeralContainers[i].EphemeralContainerCommon); spec.Name == container {
			return spec
		}
	}
	return nil
}

// podIPs are the addresses at which the pod is reached.
func (w *World) podIPs() []string {
	switch ready := w.Runtime.Ready(); {
	case w.Pod.Spec.HostNetwork:
		return w.HostIPs
	case ready != nil:
		return ready.IPs
	default:
		return nil
	}
}

func (w *World) status(stopping bool, waiting map[string]status.Waiting, now time.Time) corev1.PodStatus {
	found := make(map[string]status.Probe, len(w.Probes))
	for id, verdict := range w.Probes {
		found[id] = status.Probe{Started: verdict.Started, Ready: verdict.Ready}
	}
	return status.Compute(w.input(stopping, waiting, found), now)
}

func (w *World) input(stopping bool, waiting map[string]status.Waiting, found map[string]status.Probe) status.Input {
	in := status.Input{
		Pod: w.Pod, Last: w.Memory.Status, Runtime: w.started(), Waiting: waiting, Probes: found,
		Stopping: stopping, Failure: w.Memory.Failure, Active: w.active(), HostIPs: w.HostIPs, ResizePending: w.Refused,
	}
	in.StartedAgain, in.Health, in.Given = w.startedAgain(), w.Health, map[string]status.Amounts{}
	group := w.group()
	in.Group = status.FromKernel(int64(group.Shares), group.Quota, int64(group.Period), group.Memory)
	for _, r := range w.resizable() {
		in.Given[r.instance.ID] = status.Amounts(w.has(r.instance, r.spec))
	}
	switch {
	case w.Wanted != nil && w.Refused == nil: // about to be allocated: whoever sees that its spec was seen must not take that for done
		in.ResizeInProgress = &status.Resize{Generation: w.Wanted.Generation}
	case w.Resized != nil && w.Resized.Generation != 0:
		in.ResizeInProgress = &status.Resize{Generation: w.Resized.Generation, Error: w.Memory.ResizeFailed.Message}
	}
	return in
}

// active says whether a container runs, or is being started.
func (w *World) active() bool {
	return w.starting() != "" || slices.ContainsFunc(w.Runtime.Containers, func(c cri.Container) bool { return c.Running() })
}

// started is what the runtime has, without the container that is being started: it is running when its postStart hook has
// ended, and not before.
func (w *World) started() cri.Pod {
	starting := w.starting()
	if starting == "" {
		return w.Runtime
	}
	pod := w.Runtime
	pod.Containers = slices.DeleteFunc(slices.Clone(pod.Containers), func(c cri.Container) bool {
		return c.Name == starting && !c.Exited()
	})
	return pod
}
