package job

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// change is what is to be done about the pods of a Job.
type change struct {
	why string
	// create are pods that are missing.
	create []*ocorev1.Pod
	// remove are active pods that have to go. Where forgiven is true they are no failures.
	remove   []*ocorev1.Pod
	forgiven bool
	// later is when pods are created that have to wait; 0 means that none do.
	later time.Duration
}

// manage says which pods have to go, or else which are missing.
func (a *account) manage(v *verdict) change {
	active, want := len(a.active), a.wanted()
	switch {
	case v != nil:
		return change{why: fmt.Sprintf("the Job ends: %s", v.reason), remove: a.active}
	case a.job.DeletionTimestamp != nil:
		return change{}
	case a.suspended():
		return change{why: "the Job is suspended", remove: a.surplus(active), forgiven: true}
	}
	if surplus := a.surplus(max(0, active-want)); len(surplus) > 0 {
		return change{why: fmt.Sprintf("%d pods run, %d are wanted", active, want), remove: surplus, forgiven: true}
	}
	missing := want - active
	if a.awaitsFailure() {
		missing -= len(a.terminating)
	}
	if missing <= 0 {
		return change{}
	}
	created, later := a.create(min(missing, batch))
	return change{why: fmt.Sprintf("%d pods run of %d, %d have succeeded", active, want, a.successes()), create: created, later: later}
}

// wanted is how many pods shall run.
func (a *account) wanted() int {
	parallelism := max(0, int(*a.job.Spec.Parallelism))
	switch {
	case a.job.Spec.Completions != nil:
		return max(0, min(a.completions()-a.successes(), parallelism))
	case a.successes() > 0:
		return len(a.active) // the first success ends it: what runs may go on
	default:
		return parallelism
	}
}

// surplus are at least n active pods that have to go, up to a batch: of an Indexed Job all that have an index which it does not have,
// or which another has; then those that are missed the least.
func (a *account) surplus(n int) []*ocorev1.Pod {
	var rest, surplus []*ocorev1.Pod
	if !a.indexed() {
		rest = a.active
	} else {
		byIndex := map[int][]*ocorev1.Pod{}
		for _, pod := range a.active {
			index, ok := a.indexOf(pod)
			if !ok || a.completed.Has(index) {
				surplus = append(surplus, pod)
				continue
			}
			byIndex[index] = append(byIndex[index], pod)
		}
		for index := range a.completions() {
			if same := byIndex[index]; len(same) > 0 {
				ranked := replicas.Expendable(same, nil, len(same), a.now)
				surplus = append(surplus, ranked[:len(same)-1]...)
				rest = append(rest, ranked[len(same)-1])
			}
		}
	}
	if missing := n - len(surplus); missing > 0 {
		surplus = append(surplus, replicas.Expendable(rest, nil, missing, a.now)...)
	}
	return surplus[:min(len(surplus), batch)]
}

// create makes up to n pods, without those that have to wait for their retry.
func (a *account) create(n int) (pods []*ocorev1.Pod, later time.Duration) {
	if !a.limitsIndexes() {
		if wait := a.untilRetry(); wait > 0 {
			return nil, wait
		}
	}
	if !a.indexed() {
		for range n {
			pods = append(pods, a.pod())
		}
		return pods, 0
	}
	for _, index := range a.pending(n) {
		if last := a.last[index]; last != nil {
			if wait := a.untilRetryOf(last); wait > 0 {
				later = cmp.Or(min(later, wait), wait)
				continue
			}
		}
		pods = append(pods, a.podOf(index))
	}
	return pods, later
}

// pending are the first n indexes that are neither done nor being worked on.
func (a *account) pending(n int) []int {
	busy := a.completed.Union(a.broken).Union(a.indexesOf(a.active))
	if a.awaitsFailure() {
		busy = busy.Union(a.indexesOf(a.terminating))
	}
	var indexes []int
	for index := range busy.Missing(a.completions()) {
		if len(indexes) == n {
			break
		}
		indexes = append(indexes, index)
	}
	return indexes
}

// pod is a pod of the template, which is not counted yet.
func (a *account) pod() *ocorev1.Pod {
	pod := podtemplate.Pod(a.job, &a.job.Spec.Template)
	controllerutil.AddFinalizer(pod, batchv1.JobTrackingFinalizer)
	return pod
}

// podOf is a pod for an index, which its containers find in JOB_COMPLETION_INDEX.
func (a *account) podOf(index int) *ocorev1.Pod {
	pod, text := a.pod(), strconv.Itoa(index)
	pod.GenerateName = podtemplate.IndexedPrefix(a.job.Name, index)
	pod.Spec.Hostname = a.job.Name + "-" + text
	set(&pod.Labels, batchv1.JobCompletionIndexAnnotation, text)
	set(&pod.Annotations, batchv1.JobCompletionIndexAnnotation, text)
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			addIndexVariable(&containers[i])
		}
	}
	if a.limitsIndexes() {
		counted, ignored := 0, 0
		if last := a.last[index]; last != nil {
			counted = failuresBefore(last, batchv1.JobIndexFailureCountAnnotation)
			ignored = failuresBefore(last, batchv1.JobIndexIgnoredFailureCountAnnotation)
			if a.counted(last) {
				counted++
			} else {
				ignored++
			}
		}
		set(&pod.Annotations, batchv1.JobIndexFailureCountAnnotation, strconv.Itoa(counted))
		if ignored > 0 {
			set(&pod.Annotations, batchv1.JobIndexIgnoredFailureCountAnnotation, strconv.Itoa(ignored))
		}
	}
	return pod
}

func set(values *map[string]string, key, value string) {
	if *values == nil {
		*values = map[string]string{}
	}
	(*values)[key] = value
}

// addIndexVariable tells a container its index, unless the user does.
func addIndexVariable(container *corev1.Container) {
	const name = "JOB_COMPLETION_INDEX"
	if slices.ContainsFunc(container.Env, func(v corev1.EnvVar) bool { return v.Name == name }) {
		return
	}
	container.Env = append(container.Env, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{FieldPath: fmt.Sprintf("metadata.labels['%s']", batchv1.JobCompletionIndexAnnotation)},
	}})
}
