package pods

import (
	"fmt"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// restartAll takes all containers of the pod away, but for ephemeral ones, when one of them has ended in a way that asks for it; then
// they start from the first init container on, in the same sandbox. It returns whether that is under way.
//
// What has asked for it goes last: an agent that is started anew meanwhile sees it there, and goes on.
func (d *decision) restartAll(sandbox *cri.Sandbox) bool {
	asked := d.restartAllAskedIn(sandbox)
	if asked == nil {
		return false
	}
	why := fmt.Sprintf("container %s ended with exit code %d, and all are to be restarted", asked.Name, asked.ExitCode)
	if name := d.starting(); name != "" { // which nobody wants any more
		d.plan.Because(fmt.Sprintf("waiting for the start of container %s to end: %s", name, why))
		return true
	}
	busy := false
	for _, c := range d.running("") {
		if d.restartable(c.Name) {
			d.killAtOnce(c, "killing", why)
			busy = true
		}
	}
	if busy {
		return true
	}
	var last []*cri.Container
	for i := range d.Runtime.Containers {
		switch c := &d.Runtime.Containers[i]; {
		case !d.restartable(c.Name):
		case d.asksForAll(c):
			last = append(last, c)
		default:
			d.do(&removeContainer{c.ID, c.Name, reason(why)})
		}
	}
	for _, c := range last {
		d.do(&removeContainer{c.ID, c.Name, reason(why)})
	}
	return true
}

// restartAllAskedIn is a container which ended in the sandbox and asks for the restart of all; nil if none does.
func (d *decision) restartAllAskedIn(sandbox *cri.Sandbox) *cri.Container {
	for i := range d.Runtime.Containers {
		c := &d.Runtime.Containers[i]
		if c.SandboxID == sandbox.ID && d.Runtime.LatestIn(sandbox.ID, c.Name) == c && d.restartable(c.Name) && d.asksForAll(c) {
			return c
		}
	}
	return nil
}

func (d *decision) asksForAll(c *cri.Container) bool {
	return c.Exited() && restart.All(d.spec(c.Name), c.ExitCode)
}

// restartable says whether a container is one of the pod's that are restarted together: not an ephemeral one.
func (d *decision) restartable(name string) bool {
	for i := range d.Pod.Spec.EphemeralContainers {
		if d.Pod.Spec.EphemeralContainers[i].Name == name {
			return false
		}
	}
	return d.spec(name) != nil
}

// restartedTogether says whether a container that is not there any more was taken away to be started again with all others.
func (d *decision) restartedTogether() bool {
	last := d.Memory.Status
	if last == nil {
		last = &d.Pod.Status
	}
	return status.RestartingAll(last)
}
