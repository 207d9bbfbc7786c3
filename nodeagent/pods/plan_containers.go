package pods

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// goOnStarting keeps a start that an earlier pass has begun, whatever else is to be done.
func (d *decision) goOnStarting(sandbox *cri.Sandbox) {
	name := d.starting()
	if spec := d.spec(name); spec != nil {
		d.plan.Because(fmt.Sprintf("container %s is being started", name))
		d.do(&startContainer{container: spec, sandboxID: sandbox.ID, reason: "it was begun by an earlier pass", underWay: true})
	}
}

// container brings one container that should keep running (of the pod, or a sidecar) closer to that.
func (d *decision) container(sandbox *cri.Sandbox, spec *corev1.Container, sidecar bool) {
	latest := d.Runtime.LatestIn(sandbox.ID, spec.Name)
	switch {
	case spec.Name == d.starting():
	case latest == nil && !sidecar && d.doneBefore(spec):
		d.plan.Because(fmt.Sprintf("container %s ended in a sandbox before this one, and is not to run again", spec.Name))
	case latest == nil:
		d.start(sandbox, spec, nil, "it has not run in this sandbox yet")
	case latest.Running():
		if !d.restartToResize(latest, spec) {
			d.check(latest, spec, sidecar)
		}
	case latest.Exited() && d.toBeRestarted(latest):
		d.start(sandbox, spec, nil, "it was stopped to be resized")
	case latest.Exited():
		if sidecar || restart.Allowed(&d.Pod.Spec, spec, latest.ExitCode) {
			d.start(sandbox, spec, latest, fmt.Sprintf("it ended with exit code %d", latest.ExitCode))
		}
	default:
		d.startAnew(sandbox, spec, latest)
	}
}

// doneBefore says whether a container has ended for good, in a sandbox that is not the pod's any more.
func (d *decision) doneBefore(spec *corev1.Container) bool {
	if d.restartedTogether() {
		return false
	}
	if latest := d.Runtime.Latest(spec.Name); latest != nil {
		return latest.Exited() && !restart.Allowed(&d.Pod.Spec, spec, latest.ExitCode)
	}
	last := d.Memory.Status
	if last == nil {
		last = &d.Pod.Status
	}
	for i := range last.ContainerStatuses {
		if s := &last.ContainerStatuses[i]; s.Name == spec.Name && s.State.Terminated != nil {
			return !restart.Allowed(&d.Pod.Spec, spec, s.State.Terminated.ExitCode)
		}
	}
	return false
}

// startAnew starts a container of which an earlier start, perhaps that of another agent, has left an instance.
func (d *decision) startAnew(sandbox *cri.Sandbox, spec *corev1.Container, created *cri.Container) {
	d.do(&removeContainer{created.ID, spec.Name, "it was created but never started"})
	d.start(sandbox, spec, nil, "its last start was cut short")
}

// check stops a running container that a probe or a changed spec says must not go on.
func (d *decision) check(c *cri.Container, spec *corev1.Container, sidecar bool) {
	kind := "Container"
	if sidecar {
		kind = "Init container"
	}
	verdict := d.Probes[c.ID]
	killing, begun := d.Memory.Killing[c.ID]
	message, grace := "", d.probeGrace(spec, verdict.Failed)
	switch {
	case c.Hash != "" && c.Hash != Hash(spec):
		message = fmt.Sprintf("%s %s definition changed", kind, spec.Name)
	case verdict.Failed != "":
		message = fmt.Sprintf("%s %s failed %s probe", kind, spec.Name, verdict.Failed)
	case begun: // what has had its hook run, or was asked to end, is not to go on
		message, grace = fmt.Sprintf("%s %s was to be killed", kind, spec.Name), killing.Grace
	default:
		return
	}
	if restart.Allowed(&d.Pod.Spec, spec, 137) {
		message += ", will be restarted"
	}
	d.kill(c, d.killingSince(c), grace, message, message)
}

// start plans to start a container, unless a back-off says to wait. previous is how it ended in this sandbox, or nil. Of the
// containers of a pod one starts at a time: a postStart hook can rely on the next container not to run yet.
func (d *decision) start(sandbox *cri.Sandbox, spec *corev1.Container, previous *cri.Container, because string) {
	crashes := d.Memory.Crashes[spec.Name]
	if previous != nil {
		if until := crashes.Until(previous.Finished, d.RestLimit); until.After(d.now) {
			d.crashLoop(spec, crashes, until)
			return
		}
		crashes = crashes.Next(previous.Finished, d.now, d.RestLimit)
	}
	if d.pullBackOff(spec) || previous == nil && d.startBackOff(spec) {
		return
	}
	switch {
	case slices.ContainsFunc(d.running(""), func(c *cri.Container) bool { return c.Name == spec.Name }):
		d.plan.Because(fmt.Sprintf("an older instance of container %s still runs", spec.Name))
	case d.Memory.Prepared.IsZero(), d.starting() != "", d.starts:
	case d.allocates(): // it would be made with what the pod was allocated before
		d.again(d.now, "container "+spec.Name+" is started when its resize is allocated")
	default:
		d.starts = true
		d.do(&startContainer{
			container: spec, sandboxID: sandbox.ID, restarts: d.restarts(spec.Name), backOff: crashes, reason: reason(because),
		})
	}
}

// startBackOff says whether a container that could not be made is not to be tried yet.
func (d *decision) startBackOff(spec *corev1.Container) bool {
	failure, failed := d.Memory.Starts[spec.Name]
	until := failure.At.Add(retryStart)
	pull := slices.ContainsFunc(imagesOf(d.Pod, spec), func(w wanted) bool { return d.Memory.Pulls[w.name].Error != "" })
	if !failed || pull || !until.After(d.now) {
		return false
	}
	d.again(until, fmt.Sprintf("starting container %s is tried again", spec.Name))
	d.plan.Because(fmt.Sprintf("starting container %s again in %s: %s", spec.Name, round(until.Sub(d.now)), failure.Reason))
	return true
}

func (d *decision) crashLoop(spec *corev1.Container, backOff restart.BackOff, until time.Time) {
	message := fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
		backOff.Delay, spec.Name, d.Pod.Name, d.Pod.Namespace, d.Pod.UID)
	d.waiting[spec.Name] = status.Waiting{Reason: "CrashLoopBackOff", Message: message}
	d.event(spec.Name, corev1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s_%s(%s)",
		spec.Name, d.Pod.Name, d.Pod.Namespace, d.Pod.UID))
	d.again(until, fmt.Sprintf("container %s is started again", spec.Name))
	d.plan.Because(fmt.Sprintf("starting container %s again in %s: it keeps failing", spec.Name, round(until.Sub(d.now))))
}

// pullBackOff says whether an image that the container needs is not to be pulled yet.
func (d *decision) pullBackOff(spec *corev1.Container) bool {
	return slices.ContainsFunc(imagesOf(d.Pod, spec), func(w wanted) bool { return d.backsOff(spec, w.name) })
}

func (d *decision) backsOff(spec *corev1.Container, image string) bool {
	failure, failed := d.Memory.Pulls[image]
	if !failed {
		return false
	}
	until := failure.At.Add(failure.BackOff.Delay)
	if !until.After(d.now) {
		return false
	}
	d.again(until, fmt.Sprintf("image %s is pulled again", image))
	d.plan.Because(fmt.Sprintf("pulling image %s again in %s: %s", image, round(until.Sub(d.now)), failure.Error))
	if shown := failure.At.Add(errorShown); shown.After(d.now) {
		d.waiting[spec.Name] = status.Waiting{Reason: "ErrImagePull", Message: failure.Error}
		d.again(shown, "the pull backs off visibly")
		return true
	}
	message := fmt.Sprintf("Back-off pulling image %q", image)
	d.event(spec.Name, corev1.EventTypeNormal, "BackOff", message)
	d.waiting[spec.Name] = status.Waiting{Reason: "ImagePullBackOff", Message: fmt.Sprintf("%s: ErrImagePull: %s", message, failure.Error)}
	return true
}

// restarts is the count of the next instance of a container.
func (d *decision) restarts(name string) int32 {
	if latest := d.Runtime.Latest(name); latest != nil {
		if latest.Created() {
			return latest.Restarts
		}
		return latest.Restarts + 1
	}
	last := d.Memory.Status
	if last == nil {
		last = &d.Pod.Status
	}
	for _, statuses := range [][]corev1.ContainerStatus{last.ContainerStatuses, last.InitContainerStatuses} {
		for i := range statuses {
			s := &statuses[i]
			if s.Name == name && (s.State.Running != nil || s.State.Terminated != nil) {
				return s.RestartCount + 1
			} else if s.Name == name {
				return s.RestartCount
			}
		}
	}
	return 0
}
