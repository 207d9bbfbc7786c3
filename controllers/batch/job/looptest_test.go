package job

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/indexset"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	parallelism = 2
	completions = 3
	limit       = 2
)

// TestJobsEndAndCountEachPodOnce runs Jobs of pods that succeed, fail and are deleted, under both namings: never more pods run than may,
// and in the end each success was counted once, and each failure.
func TestJobsEndAndCountEachPodOnce(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) { checkCounts(t, scheme) })
}

// TestJobsOfEveryKindCountEachPodOnce does so for Jobs that are not as most.
func TestJobsOfEveryKindCountEachPodOnce(t *testing.T) {
	scheme := gen.Schemes(t)[apis.Kubernetes]
	for name, change := range map[string]func(*obatchv1.Job){
		"of as many successes as there are": func(job *obatchv1.Job) { job.Spec.Completions = nil },
		"of indexes":                        ofIndexes,
		"that are stored without a selector": func(job *obatchv1.Job) {
			job.Spec.Selector, job.Spec.Template.Labels = nil, nil
		},
		"of indexes with limits": func(job *obatchv1.Job) {
			ofIndexes(job)
			one, most := int32(1), int32(1<<31-1)
			job.Spec.BackoffLimitPerIndex, job.Spec.BackoffLimit = &one, &most
		},
		"that replace what has failed": func(job *obatchv1.Job) {
			failed := batchv1.Failed
			job.Spec.PodReplacementPolicy = &failed
		},
	} {
		t.Run(name, func(t *testing.T) { checkCounts(t, scheme, change) })
	}
}

func checkCounts(t *testing.T, scheme *runtime.Scheme, changes ...func(*obatchv1.Job)) {
	truth := map[*looptest.World]*ended{}
	looptest.Check(t, looptest.Spec{
		CurrentLists: true, // as in our managers: see loop.NewInformer
		Scheme:       scheme,
		Loops:        []loop.Loop{Loop()},
		Start: func(*rapid.T) []client.Object {
			return []client.Object{gen.Job("sums", append([]func(*obatchv1.Job){sized}, changes...)...)}
		},
		Prepare: func(w *looptest.World) {
			truth[w] = &ended{succeeded: map[types.UID]string{}, failed: map[types.UID]string{}}
			fakekubelet.DeletesGracefully(w)
		},
		Change:      pauseOrDelete,
		Environment: runAndEnd,
		Invariants:  []looptest.Invariant{neverTooMany, func(w *looptest.World, wrote looptest.Write) error { return truth[w].see(w, wrote) }},
		Converged:   func(w *looptest.World) error { return truth[w].agrees(w) },
	})
}

func sized(job *obatchv1.Job) {
	p, c, b := int32(parallelism), int32(completions), int32(limit)
	job.Spec.Parallelism, job.Spec.Completions, job.Spec.BackoffLimit = &p, &c, &b
}

func ofIndexes(job *obatchv1.Job) {
	indexed := batchv1.IndexedCompletion
	job.Spec.CompletionMode = &indexed
}

// ended are the pods that have succeeded and failed, whatever became of them, with their indexes; without those that the Job had let
// go by then.
type ended struct {
	succeeded, failed map[types.UID]string
	// stopped says that the Job was a success while other pods were not counted yet: what becomes of those is no failure.
	stopped bool
}

func (e *ended) see(w *looptest.World, wrote looptest.Write) error {
	if job, ok := wrote.After.(*obatchv1.Job); ok && conditionsof.Job.True(job.Status.Conditions, batchv1.JobSuccessCriteriaMet) {
		e.stopped = e.stopped || slices.ContainsFunc(looptest.All[*ocorev1.Pod](w), func(pod *ocorev1.Pod) bool {
			return tracked(pod) && pod.Status.Phase != corev1.PodSucceeded
		})
	}
	pod, ok := wrote.After.(*ocorev1.Pod)
	if !ok || !tracked(pod) {
		return nil
	}
	switch index := pod.Annotations[batchv1.JobCompletionIndexAnnotation]; pod.Status.Phase {
	case corev1.PodSucceeded:
		e.succeeded[pod.UID] = index
	case corev1.PodFailed:
		e.failed[pod.UID] = index
	}
	return nil
}

// agrees compares a Job that is at rest with what has happened. A pod that was deleted while it ran may count as a failure, or not: it
// does not where the Job was paused.
func (e *ended) agrees(w *looptest.World) error {
	job := looptest.All[*obatchv1.Job](w)[0]
	s := job.Status
	over := jobstatus.Finished(job)
	if over == nil && !*job.Spec.Suspend {
		return fmt.Errorf("the Job is not over: %+v", s)
	}
	if rest := uncounted(job); s.Active != 0 || *s.Terminating != 0 || len(rest.Succeeded)+len(rest.Failed) > 0 {
		return fmt.Errorf("something is left: %+v", s)
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if retained := over == nil && job.Spec.BackoffLimitPerIndex != nil && replicas.Ended(pod); tracked(pod) && !retained {
			return fmt.Errorf("pod %s is not counted", pod.Name)
		}
	}
	want := len(e.succeeded)
	if *job.Spec.CompletionMode == batchv1.IndexedCompletion {
		indexes := map[string]bool{}
		for _, index := range e.succeeded {
			indexes[index] = true
		}
		want = len(indexes)
		if completed, err := indexset.Parse(s.CompletedIndexes, completions); err != nil || completed.Len() != want {
			return fmt.Errorf("%d indexes have succeeded, and %q are said to (%w)", want, s.CompletedIndexes, err)
		}
	}
	if int(s.Succeeded) != want || int(s.Failed) < len(e.failed) && job.Spec.BackoffLimitPerIndex == nil && !e.stopped {
		return fmt.Errorf("%d have succeeded and %d failed, and the status is %+v", want, len(e.failed), s)
	}
	if success := over != nil && over.Type == batchv1.JobComplete; success && job.Spec.Completions != nil && s.Succeeded < completions {
		return fmt.Errorf("it is complete with %d successes", s.Succeeded)
	}
	return nil
}

func neverTooMany(w *looptest.World, wrote looptest.Write) error {
	if wrote.By != "job-controller" || wrote.Verb != "create" {
		return nil
	}
	job, n, indexes := looptest.All[*obatchv1.Job](w)[0], 0, map[string]bool{}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		index := pod.Annotations[batchv1.JobCompletionIndexAnnotation]
		if !metav1.IsControlledBy(pod, job) || !replicas.Active(pod) {
			continue
		}
		if index != "" && indexes[index] {
			return fmt.Errorf("two pods run for index %s", index)
		}
		indexes[index] = true
		n++
	}
	if n > parallelism {
		return fmt.Errorf("%d pods run, %d may", n, parallelism)
	}
	return nil
}

// pauseOrDelete suspends or resumes the Job, or deletes a pod.
func pauseOrDelete(t *rapid.T, w *looptest.World) {
	job, pods := looptest.All[*obatchv1.Job](w)[0], looptest.All[*ocorev1.Pod](w)
	if len(pods) == 0 || rapid.IntRange(0, 3).Draw(t, "what") == 0 {
		if jobstatus.Finished(job) == nil {
			looptest.Edit(w, "user", job, func(job *obatchv1.Job) { paused := !*job.Spec.Suspend; job.Spec.Suspend = &paused })
		}
		return
	}
	pod := pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")]
	if err := w.Client("user").Delete(t.Context(), pod.DeepCopy()); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

// runAndEnd takes one step for one pod: it starts on a node, and succeeds or fails; one that is deleted fails, and then goes.
func runAndEnd(w *looptest.World, pick func(n int) int) bool {
	var steps []func()
	end := func(pod *ocorev1.Pod, phase corev1.PodPhase) func() {
		return func() {
			looptest.Edit(w, "kubelet", pod, func(pod *ocorev1.Pod) {
				pod.Status.Phase = phase
				pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "sums", State: corev1.ContainerState{
					Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(w.Now())},
				}}}
			})
		}
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		switch {
		case pod.DeletionTimestamp != nil && !replicas.Ended(pod):
			steps = append(steps, end(pod, corev1.PodFailed))
		case pod.DeletionTimestamp != nil && (pod.DeletionGracePeriodSeconds == nil || *pod.DeletionGracePeriodSeconds > 0):
			steps = append(steps, func() {
				if err := w.Client("kubelet").Delete(context.Background(), pod.DeepCopy(), client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
					panic(err)
				}
			})
		case replicas.Ended(pod) || pod.DeletionTimestamp != nil:
		case pod.Spec.NodeName == "":
			steps = append(steps, func() {
				looptest.Edit(w, "kubelet", pod, func(pod *ocorev1.Pod) { pod.Spec.NodeName, pod.Status.Phase = "node", corev1.PodRunning })
			})
		default:
			steps = append(steps, end(pod, corev1.PodSucceeded), end(pod, corev1.PodFailed))
		}
	}
	if len(steps) == 0 {
		return false
	}
	steps[pick(len(steps))]()
	return true
}
