package pods

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// sandbox returns the one to run containers in, or plans to make it.
func (d *decision) sandbox() *cri.Sandbox {
	ready := d.Runtime.Ready()
	if ready != nil && (ready.HostNetwork != d.Pod.Spec.HostNetwork || !ready.HostNetwork && len(ready.IPs) == 0) {
		ready = nil
	}
	attempt := uint32(0)
	clean := true
	var ended []step
	for i := range d.Runtime.Sandboxes {
		old := &d.Runtime.Sandboxes[i]
		if old == ready {
			continue
		}
		attempt = max(attempt, old.Attempt+1)
		for _, c := range d.running(old.ID) {
			const why = "its sandbox is not the pod's any more"
			d.kill(c, d.killingSince(c), minimumGrace, why, why)
			clean = false
		}
		if old.Ready {
			ended = append(ended, &stopSandbox{old.ID, "it cannot be used any more"})
		}
	}
	switch {
	case !clean: // and so no container is started that may run there
		return nil
	case ready == nil && d.starting() != "":
		d.plan.Because(fmt.Sprintf("waiting for the start of container %s to end: its sandbox is gone", d.starting()))
		return nil
	}
	for _, s := range ended {
		d.do(s)
	}
	if ready == nil {
		d.createSandbox(attempt)
	}
	return ready
}

func (d *decision) createSandbox(attempt uint32) {
	why := "the pod has none"
	if attempt > 0 {
		d.event("", corev1.EventTypeNormal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
		why = "the one before is not ready"
	}
	switch {
	case d.Memory.Prepared.IsZero():
		return
	case d.underWay(sandboxTask):
		d.plan.Because("the sandbox is being created")
	}
	d.do(&createSandbox{attempt, reason(why), underWay(d.underWay(sandboxTask))})
}

// protected says whether containers may start in the sandbox, or plans to have policies hold for its addresses first. Where there are
// containers already, they did when these were made.
func (d *decision) protected(sandbox *cri.Sandbox) bool {
	if !d.Protects || sandbox.HostNetwork || d.Memory.Protected == sandbox.ID {
		return true
	}
	for i := range d.Runtime.Containers {
		if d.Runtime.Containers[i].SandboxID == sandbox.ID {
			return true
		}
	}
	if d.underWay(protectTask) {
		d.plan.Because("waiting for network policies to hold for its addresses")
	}
	d.do(&protect{sandbox.ID, sandbox.IPs, "no container has started yet", underWay(d.underWay(protectTask))})
	return false
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
			d.do(&removeContainer{c.ID, c.Name, "a newer dead instance is kept"})
		}
		kept[c.Name] = true
	}
	for i := range d.Runtime.Sandboxes {
		old := &d.Runtime.Sandboxes[i]
		if old.ID != sandbox.ID && !old.Ready && !d.holds(old.ID) {
			d.do(&removeSandbox{old.ID, "a newer one is in use"})
		}
	}
}

// holds says whether a sandbox still has containers that are kept for their logs: the newest of each name, and the newest dead one.
func (d *decision) holds(sandboxID string) bool {
	dead := map[string]bool{}
	for i := range d.Runtime.Containers {
		c := &d.Runtime.Containers[i]
		kept := d.Runtime.Latest(c.Name) == c || c.Exited() && !dead[c.Name]
		if kept && c.SandboxID == sandboxID {
			return true
		}
		dead[c.Name] = dead[c.Name] || c.Exited()
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
