package pods

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// initialize runs init containers in order and keeps sidecars running. It returns whether the pod's containers may run.
func (d *decision) initialize(sandbox *cri.Sandbox) bool {
	specs := d.Pod.Spec.InitContainers
	reached := d.reached(sandbox)
	for i := range specs {
		spec := &specs[i]
		if restart.Sidecar(spec) {
			d.container(sandbox, spec, true)
			if i >= reached && !d.sidecarStarted(sandbox, spec) {
				d.plan.Because(fmt.Sprintf("waiting for sidecar %s to start", spec.Name))
				return false
			}
			continue
		}
		if i >= reached && !d.initContainer(sandbox, spec) {
			return false
		}
	}
	return true
}

// reached is how many init containers are over, because something after them has been made in this sandbox. Their own
// remains may be gone.
func (d *decision) reached(sandbox *cri.Sandbox) int {
	for i := range d.Pod.Spec.Containers {
		if d.Runtime.LatestIn(sandbox.ID, d.Pod.Spec.Containers[i].Name) != nil {
			return len(d.Pod.Spec.InitContainers)
		}
	}
	for i := len(d.Pod.Spec.InitContainers) - 1; i >= 0; i-- {
		if d.Runtime.LatestIn(sandbox.ID, d.Pod.Spec.InitContainers[i].Name) != nil {
			return i
		}
	}
	return 0
}

func (d *decision) sidecarStarted(sandbox *cri.Sandbox, spec *corev1.Container) bool {
	latest := d.Runtime.LatestIn(sandbox.ID, spec.Name)
	return latest != nil && latest.Running() && spec.Name != d.starting() && d.Probes[latest.ID].Started
}

// initContainer returns whether a regular init container has succeeded.
func (d *decision) initContainer(sandbox *cri.Sandbox, spec *corev1.Container) bool {
	latest := d.Runtime.LatestIn(sandbox.ID, spec.Name)
	switch {
	case spec.Name == d.starting():
	case latest == nil:
		d.start(sandbox, spec, nil, "it is the next init container")
	case latest.Running():
		d.plan.Because(fmt.Sprintf("waiting for init container %s to end", spec.Name))
	case latest.Exited() && latest.ExitCode == 0:
		return true
	case latest.Exited():
		if restart.AllowedInit(&d.Pod.Spec, spec, latest.ExitCode) {
			d.start(sandbox, spec, latest, fmt.Sprintf("it ended with exit code %d and must succeed", latest.ExitCode))
		}
	default:
		d.startAnew(sandbox, spec, latest)
	}
	return false
}

// ephemeral starts ephemeral containers, each once.
func (d *decision) ephemeral(sandbox *cri.Sandbox) {
	for i := range d.Pod.Spec.EphemeralContainers {
		spec := (*corev1.Container)(&d.Pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		if d.Runtime.Latest(spec.Name) == nil {
			d.start(sandbox, spec, nil, "it was added to the running pod")
		}
	}
}
