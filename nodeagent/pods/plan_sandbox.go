package pods

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// sandbox returns the one to run containers in, or plans to make it.
func (d *decision) sandbox() *cri.Sandbox {
	ready := d.Runtime.Ready()
	usable := ready != nil && ready.HostNetwork == d.Pod.Spec.HostNetwork && (ready.HostNetwork || len(ready.IPs) > 0)
	attempt := uint32(0)
	clean := true
	for i := range d.Runtime.Sandboxes {
		old := &d.Runtime.Sandboxes[i]
		if usable && old == ready {
			continue
		}
		attempt = max(attempt, old.Attempt+1)
		for _, c := range d.running(old.ID) {
			d.step(&StopContainers{Containers: []Stop{d.stopOf(c, minimumGrace, "its sandbox is not the pod's any more")}, Sidecars: true})
			clean = false
		}
		if old.Ready {
			d.step(&StopSandbox{ID: old.ID, why: fmt.Sprintf("stop sandbox %s: it cannot be used any more", short(old.ID))})
		}
	}
	if usable {
		return ready
	}
	if attempt > 0 && clean {
		d.event("", corev1.EventTypeNormal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
	}
	d.step(&Prepare{why: "prepare directories and volumes: the pod is about to start"})
	why := "create the sandbox: the pod has none"
	if attempt > 0 {
		why = fmt.Sprintf("create sandbox %d: the one before is not ready", attempt)
	}
	d.step(&CreateSandbox{Attempt: attempt, why: why})
	return nil
}

// collect removes dead containers that nobody needs: all but the newest dead one of each name.
func (d *decision) collect(sandbox *cri.Sandbox) {
	kept := map[string]bool{}
	for i := range d.Runtime.Containers {
		c := &d.Runtime.Containers[i]
		if !c.Exited() {
			continue
		}
		if kept[c.Name] {
			d.step(&RemoveContainer{ID: c.ID, why: fmt.Sprintf("remove container %s: a newer dead instance is kept", short(c.ID))})
		}
		kept[c.Name] = true
	}
	for i := range d.Runtime.Sandboxes {
		old := &d.Runtime.Sandboxes[i]
		if old.ID != sandbox.ID && !old.Ready && !d.holds(old.ID) {
			d.step(&RemoveSandbox{ID: old.ID, why: fmt.Sprintf("remove sandbox %s: a newer one is in use", short(old.ID))})
		}
	}
}

// holds says whether a sandbox still has containers that are kept for their logs.
func (d *decision) holds(sandboxID string) bool {
	for i := range d.Runtime.Containers {
		if c := &d.Runtime.Containers[i]; c.SandboxID == sandboxID && d.Runtime.Latest(c.Name) == c {
			return true
		}
	}
	return false
}

func (d *decision) running(sandboxID string) []*cri.Container {
	var found []*cri.Container
	for i := range d.Runtime.Containers {
		if c := &d.Runtime.Containers[i]; c.Running() && (sandboxID == "" || c.SandboxID == sandboxID) {
			found = append(found, c)
		}
	}
	return found
}
