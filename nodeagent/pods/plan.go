package pods

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// refreshEvery is how old the content of volumes from ConfigMaps, Secrets, tokens and the pod itself may get.
const refreshEvery = time.Minute

// errorShown is how long ErrImagePull stands before it becomes ImagePullBackOff.
const errorShown = 3 * time.Second

// retryStart is the wait after a start that failed before the container existed.
const retryStart = 10 * time.Second

const deadlineExceeded = "DeadlineExceeded"

// decide makes the plan. It is pure.
func decide(world *World, now time.Time) *engine.Plan[*actor] {
	w := *world
	d := &decision{World: &w, now: now, plan: &engine.Plan[*actor]{}, waiting: map[string]status.Waiting{}}
	switch {
	case w.deleting():
		d.stop()
	case w.Predecessor:
		d.plan.Because("waiting for the pod that had this name before to stop")
	case d.over():
		d.stop()
	case w.Preempting:
		d.plan.Because("waiting for the pods to end that make room for it")
	default:
		d.run()
	}
	return d.finish()
}

// decision is a plan in the making.
type decision struct {
	*World
	now     time.Time
	plan    *engine.Plan[*actor]
	steps   []step
	waiting map[string]status.Waiting
	// stopping: the pod is not to run any more.
	stopping bool
	// preparing: directories and volumes are being prepared, or about to be.
	preparing bool
	// judged: the pod was not let in yet, and nothing is told of it until it was.
	judged bool
	// starts: this plan starts a container.
	starts bool
}

func (d *decision) do(s step) {
	d.steps = append(d.steps, s)
	if _, task := s.(engine.Task[*actor]); !task {
		d.plan.After(0, "what comes next follows from what has become of this")
	}
}

func (d *decision) again(at time.Time, why string) { d.plan.After(at.Sub(d.now), why) }

func (d *decision) event(container, kind, reason, message string) {
	restarts := int32(0)
	if c := d.Runtime.Latest(container); c != nil {
		restarts = c.Restarts
	}
	d.steps = append(d.steps, &recordEvent{
		container: container, kind: kind, reason: reason, message: message,
		instance: fmt.Sprintf("%d in %d", restarts, len(d.Runtime.Sandboxes)),
	})
}

// finish computes the status with all that was decided, and puts it before everything else.
func (d *decision) finish() *engine.Plan[*actor] {
	kept := &setStatus{failure: d.Memory.Failure, stopping: d.Memory.Stopping}
	if d.stopping && kept.stopping.IsZero() {
		kept.stopping = d.now
	}
	d.plan.Do(kept)
	if !d.Orphan && !d.judged {
		s := d.status(d.stopping, d.waiting, d.now)
		kept.status = &s
		d.write(&s)
	}
	for _, s := range d.steps {
		d.plan.Do(s)
	}
	return d.plan
}

// write tells the API server what it does not know yet.
func (d *decision) write(s *corev1.PodStatus) {
	if d.Written == nil || d.Gone && !status.Static(d.Pod) || status.Same(d.Written, s) { // there is nothing that could be written to
		return
	}
	why := "the pod is " + summary(s)
	if before := summary(d.Written); d.Written.Phase != "" && before != summary(s) {
		why += "; the API server has " + before
	}
	d.plan.Do(&writeStatus{s, reason(why), underWay(d.underWay(statusTask))})
}

// over says whether the pod has ended for good.
func (d *decision) over() bool {
	d.deadline()
	for name, failure := range d.Memory.Starts {
		d.waiting[name] = failure.Waiting
	}
	current := d.status(false, d.waiting, d.now)
	return d.Memory.Failure != nil || status.Over(&d.Pod.Spec, &current, d.startedAgain())
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
		d.again(end, "the pod may not be active for longer")
		return
	}
	d.Memory.Failure = &status.Failure{Reason: deadlineExceeded, Message: "Pod was active on the node longer than the specified deadline"}
	d.event("", corev1.EventTypeNormal, deadlineExceeded, d.Memory.Failure.Message)
}

// run brings a pod that should run closer to running.
func (d *decision) run() {
	if !d.assigned() {
		return
	}
	d.allocate()
	d.refresh()
	sandbox := d.sandbox()
	if sandbox == nil || !d.protected(sandbox) {
		return
	}
	d.resize()
	if d.restartAll(sandbox) {
		return
	}
	d.goOnStarting(sandbox)
	if d.initialize(sandbox) {
		for i := range d.Pod.Spec.Containers {
			d.container(sandbox, &d.Pod.Spec.Containers[i], false)
		}
	}
	d.ephemeral(sandbox)
	d.collect(sandbox)
}

// refresh makes the volumes, and renews those whose content may change.
func (d *decision) refresh() {
	why, due := "", d.Memory.Prepared.Add(refreshEvery)
	switch {
	case d.Memory.Prepared.IsZero() && len(d.Runtime.Sandboxes) == 0:
		why = "the pod is about to start"
	case d.Memory.Prepared.IsZero():
		why = "the agent was started anew"
	case d.Memory.Stale:
		why = "what they are made of has changed"
	case !refreshable(&d.Pod.Spec):
		return
	case d.now.Before(due):
		d.again(due, "the content of volumes is refreshed")
		return
	default:
		why = fmt.Sprintf("their content is older than %s", refreshEvery)
	}
	if d.underWay(prepareTask) {
		d.plan.Because("directories and volumes are being prepared")
	}
	d.preparing = true
	d.do(&prepare{reason(why), underWay(d.underWay(prepareTask))})
}

// refreshable says whether the content of a volume of the pod can change while it runs.
func refreshable(spec *corev1.PodSpec) bool {
	for i := range spec.Volumes {
		v := &spec.Volumes[i]
		switch {
		case v.ConfigMap != nil, v.Secret != nil, v.Projected != nil, v.DownwardAPI != nil:
			return true
		case v.CSI != nil, v.PersistentVolumeClaim != nil, v.Ephemeral != nil:
			return true // of drivers that want to be asked again
		}
	}
	return false
}

func round(d time.Duration) time.Duration { return d.Round(time.Second) }

func short(id string) string { return id[:min(12, len(id))] }
