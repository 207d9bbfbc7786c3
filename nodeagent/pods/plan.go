package pods

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

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
