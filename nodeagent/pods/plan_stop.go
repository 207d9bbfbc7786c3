package pods

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// minimumGrace is what a container gets even when its pod's grace is over; the kubelet's figure.
const minimumGrace = 2 * time.Second

// stop ends what runs, then cleans up, then lets go of the object. Each pass does what can be done at once.
func (d *decision) stop() {
	d.plan.Stopping = true
	if !d.Orphan {
		d.finish(true)
	}
	switch {
	case d.stopApps(), d.stopSidecars(), d.stopSandboxes():
	case !d.Memory.Cleaned:
		d.step(&CleanUp{why: "clean up volumes and directories: nothing of the pod runs any more"})
		fallthrough
	default:
		d.letGo()
	}
}

// stopApps stops all but the sidecars, at the same time.
func (d *decision) stopApps() bool {
	var stops []Stop
	for _, c := range d.running("") {
		if d.sidecar(c.Name) < 0 {
			stops = append(stops, d.stopOf(c, d.remaining(), ""))
		}
	}
	if len(stops) == 0 {
		return false
	}
	d.step(&StopContainers{Containers: stops})
	return true
}

// stopSidecars stops the last of the sidecars that run; the next pass stops the one before it.
func (d *decision) stopSidecars() bool {
	var last *cri.Container
	for _, c := range d.running("") {
		if last == nil || d.sidecar(c.Name) > d.sidecar(last.Name) {
			last = c
		}
	}
	if last == nil {
		return false
	}
	d.step(&StopContainers{Containers: []Stop{d.stopOf(last, d.remaining(), "")}, Sidecars: true})
	return true
}

func (d *decision) stopSandboxes() bool {
	stopped := false
	for i := range d.Runtime.Sandboxes {
		if s := &d.Runtime.Sandboxes[i]; s.Ready {
			d.step(&StopSandbox{ID: s.ID, why: fmt.Sprintf("stop sandbox %s: %s", short(s.ID), d.because())})
			stopped = true
		}
	}
	return stopped
}

// letGo removes the object, or what is left in the runtime when the object is gone.
func (d *decision) letGo() {
	switch {
	case d.Gone || d.Orphan:
		for i := range d.Runtime.Sandboxes {
			id := d.Runtime.Sandboxes[i].ID
			d.step(&RemoveSandbox{ID: id, why: fmt.Sprintf("remove sandbox %s and its containers: the pod is gone", short(id))})
		}
		for i := range d.Runtime.Containers {
			if c := &d.Runtime.Containers[i]; !d.hasSandbox(c.SandboxID) {
				d.step(&RemoveContainer{ID: c.ID, why: fmt.Sprintf("remove container %s: the pod is gone", short(c.ID))})
			}
		}
		d.plan.Forget = len(d.plan.Steps) == 0
	case d.Pod.DeletionTimestamp != nil && !d.Memory.Deleted:
		d.step(&DeletePod{why: "remove the pod from the API server: nothing of it runs any more"})
	case d.Pod.DeletionTimestamp != nil:
		d.wait("waiting for the API server to remove the pod")
	default:
		d.wait("the pod is over")
	}
}

func (d *decision) hasSandbox(id string) bool {
	for i := range d.Runtime.Sandboxes {
		if d.Runtime.Sandboxes[i].ID == id {
			return true
		}
	}
	return false
}

// sidecar returns the index of the sidecar of that name, or -1.
func (d *decision) sidecar(name string) int {
	for i := range d.Pod.Spec.InitContainers {
		if spec := &d.Pod.Spec.InitContainers[i]; spec.Name == name && restart.Sidecar(spec) {
			return i
		}
	}
	return -1
}

// remaining is what is left of the grace.
func (d *decision) remaining() time.Duration {
	left := d.grace()
	if !d.Memory.Stopping.IsZero() {
		left -= d.now.Sub(d.Memory.Stopping)
	}
	return max(left, minimumGrace)
}

func (d *decision) stopOf(c *cri.Container, grace time.Duration, message string) Stop {
	return Stop{ID: c.ID, Name: c.Name, Grace: max(grace, minimumGrace), Message: message, PreStop: preStop(d.Pod, c)}
}

// probeGrace is the grace for a container that a probe condemned.
func (d *decision) probeGrace(spec *corev1.Container, probe string) time.Duration {
	var own *corev1.Probe
	switch probe {
	case "liveness":
		own = spec.LivenessProbe
	case "startup":
		own = spec.StartupProbe
	}
	if own != nil && own.TerminationGracePeriodSeconds != nil {
		return time.Duration(*own.TerminationGracePeriodSeconds) * time.Second
	}
	return d.grace()
}

func (d *decision) because() string {
	switch {
	case d.Orphan:
		return "nobody knows its pod"
	case d.Gone:
		return "the pod is gone"
	case d.Pod.DeletionTimestamp != nil:
		return "the pod is being deleted"
	case d.Memory.Failure != nil:
		return "the pod failed: " + d.Memory.Failure.Reason
	default:
		return "all of its containers have ended"
	}
}
