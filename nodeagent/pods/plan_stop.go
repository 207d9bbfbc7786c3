package pods

import (
	"fmt"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// stop ends what runs, then cleans up, then lets go of the object. Each pass does what can be done at once.
func (d *decision) stop() {
	d.stopping = true
	switch {
	case d.stopApps(), d.stopSidecars(), d.stillBusy(), d.stopSandboxes():
	case !d.Memory.Cleaned:
		d.do(&cleanUp{"nothing of the pod runs any more"})
		fallthrough
	default:
		d.letGo()
	}
}

// stopApps stops all but the sidecars, at the same time. What is being started is stopped when its start has ended, which is
// called off.
func (d *decision) stopApps() bool {
	busy := false
	if name := d.starting(); name != "" {
		d.plan.Because(fmt.Sprintf("waiting for the start of container %s to end", name))
		busy = true
	}
	for _, c := range d.running("") {
		if d.sidecar(c.Name) < 0 && c.Name != d.starting() {
			d.killForPod(c)
			busy = true
		}
	}
	return busy
}

// stopSidecars stops the last of the sidecars that run; a later pass stops the one before it.
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
	d.killForPod(last)
	return true
}

// stillBusy waits for tasks that are called off: nothing is taken away from under them.
func (d *decision) stillBusy() bool {
	for _, task := range d.Tasks {
		if task != statusTask {
			d.plan.Because("waiting for this to end: " + task)
			return true
		}
	}
	return false
}

func (d *decision) stopSandboxes() bool {
	stopped := false
	for i := range d.Runtime.Sandboxes {
		if s := &d.Runtime.Sandboxes[i]; s.Ready {
			d.do(&stopSandbox{s.ID, reason(d.because())})
			stopped = true
		}
	}
	return stopped
}

// letGo removes the object, or what is left in the runtime when the object is gone.
func (d *decision) letGo() {
	switch {
	case d.Next:
		d.do(&resume{"its manifest is back"})
	case d.Gone || d.Orphan:
		d.removeRest()
	case d.Pod.DeletionTimestamp == nil:
		if d.Memory.Collect {
			d.removeFromRuntime("the node runs out of disk")
			d.do(&noteCollected{"nothing else is left of it"})
		}
		d.plan.Because("the pod is over")
	case d.Memory.Deleted:
		d.plan.Because("waiting for the API server to remove the pod")
	case d.told():
		d.do(&deletePod{"nothing of it runs any more"})
	default:
		d.plan.Because("waiting for the API server to have the pod's last status")
	}
}

// told says whether the API server has the pod's last status.
func (d *decision) told() bool {
	last := d.status(true, d.waiting, d.now)
	return status.Same(d.Written, &last) && !d.underWay(statusTask)
}

// removeRest removes what the runtime and the disk have of a pod that is gone.
func (d *decision) removeRest() {
	if !d.removeFromRuntime("the pod is gone") {
		d.do(&forgetPod{"nothing else is left of it"})
	}
}

// removeFromRuntime removes what the runtime has of a pod that has stopped, and says whether there was anything.
func (d *decision) removeFromRuntime(why reason) (some bool) {
	for i := range d.Runtime.Sandboxes {
		d.do(&removeSandbox{d.Runtime.Sandboxes[i].ID, why})
		some = true
	}
	for i := range d.Runtime.Containers {
		if c := &d.Runtime.Containers[i]; !d.hasSandbox(c.SandboxID) {
			d.do(&removeContainer{c.ID, c.Name, why})
			some = true
		}
	}
	return some
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
