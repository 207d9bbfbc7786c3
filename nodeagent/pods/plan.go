package pods

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Plan is what to do about a pod.
type Plan struct {
	// Status is what the pod looks like now; nil for an orphan.
	Status *corev1.PodStatus
	// Failure, when set, is to be remembered: the pod has failed as a whole.
	Failure *status.Failure
	// Steps are done in order, up to the first that fails.
	Steps []Step
	// Events are recorded once for each text.
	Events []Event
	// After is when to look again if nothing happens; zero means never.
	After time.Duration
	// Why says what the pod waits for when there are no steps.
	Why string
	// Stopping: the pod is not to run any more; its grace counts from the first such plan.
	Stopping bool
	// Forget: nothing is left of the pod.
	Forget bool
}

// Event is one to record about the pod or one of its containers.
type Event struct {
	Container             string
	Type, Reason, Message string
}

// refreshEvery is how old the content of volumes from ConfigMaps, Secrets, tokens and the pod itself may get.
const refreshEvery = time.Minute

// errorShown is how long ErrImagePull stands before it becomes ImagePullBackOff.
const errorShown = 3 * time.Second

// retryStart is the wait after a start that failed before the container existed.
const retryStart = 10 * time.Second

const deadlineExceeded = "DeadlineExceeded"

// Decide makes the plan. It is pure.
func Decide(world *World, now time.Time) *Plan {
	w := *world
	d := &decision{World: &w, now: now, plan: &Plan{}, waiting: map[string]status.Waiting{}}
	if w.deleting() {
		d.stop()
		return d.plan
	}
	if w.Predecessor {
		d.wait("waiting for the pod that had this name before to stop")
		return d.finish(false)
	}
	d.deadline()
	for name, failure := range w.Memory.Starts {
		d.waiting[name] = failure.Waiting
	}
	current := w.status(false, d.waiting, now)
	if status.Terminal(current.Phase) {
		d.stop()
		return d.plan
	}
	d.run()
	return d.finish(false)
}

// decision is a plan in the making.
type decision struct {
	*World
	now     time.Time
	plan    *Plan
	waiting map[string]status.Waiting
}

func (d *decision) step(s Step) { d.plan.Steps = append(d.plan.Steps, s) }

func (d *decision) wait(why string) {
	if d.plan.Why == "" {
		d.plan.Why = why
	}
}

func (d *decision) again(at time.Time) {
	if wait := max(at.Sub(d.now), time.Millisecond); d.plan.After == 0 || wait < d.plan.After {
		d.plan.After = wait
	}
}

func (d *decision) event(container, kind, reason, message string) {
	d.plan.Events = append(d.plan.Events, Event{Container: container, Type: kind, Reason: reason, Message: message})
}

// finish computes the status with all that was decided.
func (d *decision) finish(stopping bool) *Plan {
	s := d.status(stopping, d.waiting, d.now)
	d.plan.Status = &s
	return d.plan
}

// deadline fails a pod that has been active for longer than it may.
func (d *decision) deadline() {
	limit, last := d.Pod.Spec.ActiveDeadlineSeconds, d.Memory.Status
	if last == nil {
		last = &d.Pod.Status
	}
	if limit == nil || d.Memory.Failure != nil || last.StartTime == nil {
		return
	}
	end := last.StartTime.Add(time.Duration(*limit) * time.Second)
	if d.now.Before(end) {
		d.again(end)
		return
	}
	d.Memory.Failure = &status.Failure{Reason: deadlineExceeded, Message: "Pod was active on the node longer than the specified deadline"}
	d.plan.Failure = d.Memory.Failure
	d.event("", corev1.EventTypeNormal, deadlineExceeded, d.Memory.Failure.Message)
}

// run brings a pod that should run closer to running.
func (d *decision) run() {
	sandbox := d.sandbox()
	if sandbox == nil {
		return
	}
	d.refresh()
	if d.initialize(sandbox) {
		for i := range d.Pod.Spec.Containers {
			d.container(sandbox, &d.Pod.Spec.Containers[i], false)
		}
	}
	d.ephemeral(sandbox)
	d.collect(sandbox)
}

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

// refresh renews volumes whose content may change, and makes them again for an agent that was just started.
func (d *decision) refresh() {
	if d.Memory.Prepared.IsZero() {
		d.step(&Prepare{why: "prepare directories and volumes: the agent was started anew"})
		return
	}
	if !refreshable(&d.Pod.Spec) {
		return
	}
	if due := d.Memory.Prepared.Add(refreshEvery); d.now.Before(due) {
		d.again(due)
		return
	}
	d.step(&Prepare{why: fmt.Sprintf("refresh the volumes: their content is older than %s", refreshEvery)})
}

// container brings one container that should keep running (of the pod, or a sidecar) closer to that.
func (d *decision) container(sandbox *cri.Sandbox, spec *corev1.Container, sidecar bool) {
	latest := d.Runtime.LatestIn(sandbox.ID, spec.Name)
	switch {
	case latest == nil:
		d.start(sandbox, spec, nil, "it has not run yet")
	case latest.Running():
		d.check(latest, spec, sidecar)
	case latest.Exited():
		if sidecar || restart.Allowed(&d.Pod.Spec, spec, latest.ExitCode) {
			d.start(sandbox, spec, latest, fmt.Sprintf("it ended with exit code %d", latest.ExitCode))
		}
	default:
		d.step(&RemoveContainer{ID: latest.ID, why: fmt.Sprintf("remove container %s: it was created but never started", spec.Name)})
		d.start(sandbox, spec, nil, "its last start was cut short")
	}
}

// check stops a running container that a probe or a changed spec says must not go on.
func (d *decision) check(c *cri.Container, spec *corev1.Container, sidecar bool) {
	kind := "Container"
	if sidecar {
		kind = "Init container"
	}
	verdict := d.Probes[c.ID]
	message := ""
	switch {
	case c.Hash != "" && c.Hash != Hash(spec):
		message = fmt.Sprintf("%s %s definition changed", kind, spec.Name)
	case verdict.Failed != "":
		message = fmt.Sprintf("%s %s failed %s probe", kind, spec.Name, verdict.Failed)
	default:
		return
	}
	if restart.Allowed(&d.Pod.Spec, spec, 137) {
		message += ", will be restarted"
	}
	stop := d.stopOf(c, d.probeGrace(spec, verdict.Failed), message)
	d.step(&StopContainers{Containers: []Stop{stop}})
}

// start plans to start a container, unless a back-off says to wait. previous is how it ended in this sandbox, or nil.
func (d *decision) start(sandbox *cri.Sandbox, spec *corev1.Container, previous *cri.Container, because string) {
	crashes := d.Memory.Crashes[spec.Name]
	if previous != nil {
		if until := crashes.Until(previous.Finished); until.After(d.now) {
			d.crashLoop(spec, crashes, until)
			return
		}
		crashes = crashes.Next(previous.Finished, d.now)
	}
	if d.pullBackOff(spec) {
		return
	}
	if failure, failed := d.Memory.Starts[spec.Name]; failed && d.Memory.Pulls[spec.Image].Error == "" {
		if until := failure.At.Add(retryStart); until.After(d.now) && previous == nil {
			d.again(until)
			d.wait(fmt.Sprintf("starting container %s again in %s: %s", spec.Name, round(until.Sub(d.now)), failure.Reason))
			return
		}
	}
	d.step(&StartContainer{
		Container: spec, SandboxID: sandbox.ID, Restarts: d.restarts(spec.Name), BackOff: crashes,
		why: fmt.Sprintf("start container %s: %s", spec.Name, because),
	})
}

func (d *decision) crashLoop(spec *corev1.Container, backOff restart.BackOff, until time.Time) {
	message := fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
		backOff.Delay, spec.Name, d.Pod.Name, d.Pod.Namespace, d.Pod.UID)
	d.waiting[spec.Name] = status.Waiting{Reason: "CrashLoopBackOff", Message: message}
	d.event(spec.Name, corev1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s_%s(%s)",
		spec.Name, d.Pod.Name, d.Pod.Namespace, d.Pod.UID))
	d.again(until)
	d.wait(fmt.Sprintf("starting container %s again in %s: it keeps failing", spec.Name, round(until.Sub(d.now))))
}

// pullBackOff says whether the image of the container is not to be pulled yet.
func (d *decision) pullBackOff(spec *corev1.Container) bool {
	failure, failed := d.Memory.Pulls[spec.Image]
	if !failed {
		return false
	}
	until := failure.At.Add(failure.BackOff.Delay)
	if !until.After(d.now) {
		return false
	}
	d.again(until)
	d.wait(fmt.Sprintf("pulling image %s again in %s: %s", spec.Image, round(until.Sub(d.now)), failure.Error))
	if shown := failure.At.Add(errorShown); shown.After(d.now) {
		d.waiting[spec.Name] = status.Waiting{Reason: "ErrImagePull", Message: failure.Error}
		d.again(shown)
		return true
	}
	message := fmt.Sprintf("Back-off pulling image %q", spec.Image)
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

// refreshable says whether the content of a volume of the pod can change while it runs.
func refreshable(spec *corev1.PodSpec) bool {
	for i := range spec.Volumes {
		v := &spec.Volumes[i]
		if v.ConfigMap != nil || v.Secret != nil || v.Projected != nil || v.DownwardAPI != nil {
			return true
		}
	}
	return false
}

func round(d time.Duration) time.Duration { return d.Round(time.Second) }

func short(id string) string { return id[:min(12, len(id))] }
