package differential

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var jobSubject = subject{
	name: "Job",
	start: func(s *scenario) {
		parallelism, limit := int32(s.IntN(4)), int32(s.IntN(4))
		t := template("web", "web:1")
		t.Spec.RestartPolicy = corev1.RestartPolicyNever
		job := &batchv1.Job{ObjectMeta: s.meta(name), Spec: batchv1.JobSpec{Parallelism: &parallelism, BackoffLimit: &limit, Template: t}}
		what := fmt.Sprintf("a Job of %d at once is created, with a back-off limit of %d", parallelism, limit)
		if s.chance(80) {
			completions := int32(s.IntN(6))
			job.Spec.Completions = &completions
			what += fmt.Sprintf(", %d completions", completions)
			if s.chance(50) {
				what += s.indexed(job)
			}
		}
		if s.chance(25) {
			failed := batchv1.Failed
			job.Spec.PodReplacementPolicy = &failed
			what += ", replaced when failed"
		}
		if job.Spec.PodReplacementPolicy == nil && s.chance(25) || job.Spec.PodReplacementPolicy != nil && s.chance(50) {
			failed := batchv1.Failed
			job.Spec.PodReplacementPolicy = &failed
			what += s.failurePolicy(job)
		}
		if s.chance(15) {
			suspend := true
			job.Spec.Suspend = &suspend
			what += ", suspended"
		}
		if s.chance(10) {
			ttl := int32(0)
			job.Spec.TTLSecondsAfterFinished = &ttl
			what += ", gone when it has finished"
		}
		s.begin(what, job)
	},
	moves: []move{
		{6, happensToAll(lives)},
		{6, happens(lives)},
		{2, happens(isPlaced)},
		{8, happens(succeeds)},
		{4, happensToAll(succeeds)},
		{6, happens(fails)},
		{2, happens(isDeleted)},
		{3, happensToAll(goes)},
		{2, scales("Job", func(obj client.Object, n int32) { obj.(*batchv1.Job).Spec.Parallelism = &n })},
		{2, func(s *scenario) bool {
			return s.edit("Job", "is suspended, or resumed", func(obj client.Object) {
				suspend := obj.(*batchv1.Job).Spec.Suspend
				suspended := suspend == nil || !*suspend
				obj.(*batchv1.Job).Spec.Suspend = &suspended
			})
		}},
		{1, restarts},
		{3, beginsAnew},
		{1, deletesIt("Job", metav1.DeletePropagationBackground)},
		{1, deletesIt("Job", metav1.DeletePropagationForeground)},
		{1, deletesIt("Job", metav1.DeletePropagationOrphan)},
	},
}

// indexed makes a Job Indexed, and perhaps limits failures by index, or says which successes are enough.
func (s *scenario) indexed(job *batchv1.Job) string {
	mode, what := batchv1.IndexedCompletion, ", indexed"
	job.Spec.CompletionMode = &mode
	if s.chance(40) {
		limit, most := int32(s.IntN(2)), int32(s.IntN(3))
		job.Spec.BackoffLimitPerIndex, job.Spec.BackoffLimit = &limit, nil
		what += fmt.Sprintf(", an index fails after %d more", limit)
		if most <= *job.Spec.Completions && s.chance(50) {
			job.Spec.MaxFailedIndexes = &most
			what += fmt.Sprintf(", of which %d may", most)
		}
	}
	if *job.Spec.Completions > 0 && s.chance(30) {
		one := int32(1)
		job.Spec.SuccessPolicy = &batchv1.SuccessPolicy{Rules: []batchv1.SuccessPolicyRule{{SucceededCount: &one}}}
		what += ", one success is enough"
	}
	return what
}

// failurePolicy says what becomes of pods that failed.
func (s *scenario) failurePolicy(job *batchv1.Job) string {
	actions := []batchv1.PodFailurePolicyAction{batchv1.PodFailurePolicyActionFailJob, batchv1.PodFailurePolicyActionIgnore, batchv1.PodFailurePolicyActionCount}
	if job.Spec.BackoffLimitPerIndex != nil {
		actions = append(actions, batchv1.PodFailurePolicyActionFailIndex)
	}
	action := actions[s.IntN(len(actions))]
	job.Spec.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{
		Action:      action,
		OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{1}},
	}}}
	return fmt.Sprintf(", on exit code 1 %s", action)
}

var cronJobSubject = subject{
	name: "CronJob",
	start: func(s *scenario) {
		t := template("web", "web:1")
		t.Spec.RestartPolicy = corev1.RestartPolicyNever
		successes, failures := int32(s.IntN(3)), int32(s.IntN(2))
		concurrency := []batchv1.ConcurrencyPolicy{batchv1.AllowConcurrent, batchv1.ForbidConcurrent, batchv1.ReplaceConcurrent}[s.IntN(3)]
		cron := &batchv1.CronJob{ObjectMeta: s.meta(name), Spec: batchv1.CronJobSpec{
			Schedule: "0 0 1 1 *", ConcurrencyPolicy: concurrency, SuccessfulJobsHistoryLimit: &successes, FailedJobsHistoryLimit: &failures,
			JobTemplate: batchv1.JobTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}, Spec: batchv1.JobSpec{Template: t}},
		}}
		what := fmt.Sprintf("a CronJob is created (%s), with a history of %d and %d", concurrency, successes, failures)
		if s.chance(15) {
			suspend := true
			cron.Spec.Suspend = &suspend
			what += ", suspended"
		}
		if s.chance(20) {
			seconds := int64([]int{60, 400 * 24 * 3600}[s.IntN(2)])
			cron.Spec.StartingDeadlineSeconds = &seconds
			what += fmt.Sprintf(", to start within %d s", seconds)
		}
		if s.chance(20) {
			zone := "Asia/Tokyo"
			cron.Spec.TimeZone = &zone
			what += ", in Tokyo"
		}
		s.begin(what, cron)
	},
	moves: []move{
		{8, func(s *scenario) bool {
			years := 1 + s.IntN(3)
			return s.isDue(years)
		}},
		{6, (*scenario).goesOn},
		{8, happens(succeeds)},
		{4, happensToAll(fails)},
		{2, func(s *scenario) bool {
			key := s.some(s.keys("Job", nil))
			if key == "" {
				return false
			}
			s.do(key+" is deleted", deletes(key, metav1.DeletePropagationBackground))
			return true
		}},
		{2, func(s *scenario) bool {
			return s.edit("CronJob", "is suspended, or resumed", func(obj client.Object) {
				suspend := obj.(*batchv1.CronJob).Spec.Suspend
				suspended := suspend == nil || !*suspend
				obj.(*batchv1.CronJob).Spec.Suspend = &suspended
			})
		}},
		{2, func(s *scenario) bool {
			n := int32(s.IntN(3))
			return s.edit("CronJob", fmt.Sprintf("gets a history of %d", n), func(obj client.Object) {
				obj.(*batchv1.CronJob).Spec.SuccessfulJobsHistoryLimit, obj.(*batchv1.CronJob).Spec.FailedJobsHistoryLimit = &n, &n
			})
		}},
		{1, restarts},
		{3, beginsAnew},
		{1, deletesIt("CronJob", metav1.DeletePropagationBackground)},
		{1, deletesIt("CronJob", metav1.DeletePropagationForeground)},
		{1, deletesIt("CronJob", metav1.DeletePropagationOrphan)},
	},
}

// isDue makes a CronJob due by having it run last some years ago: its schedule is the first day of a year.
func (s *scenario) isDue(years int) bool {
	key := "CronJob/" + name
	if s.now.objects[key] == nil {
		return false
	}
	s.do(fmt.Sprintf("%s has run last %d years ago", key, years), func(ctx context.Context, c client.Client, st *state) error {
		cron := st.objects[key].DeepCopyObject().(*batchv1.CronJob)
		return changeStatus(ctx, c, cron, func(cron *batchv1.CronJob) {
			last := metav1.NewTime(time.Now().AddDate(-years, 0, -1).Truncate(time.Second))
			cron.Status.LastScheduleTime = &last
		})
	})
	return true
}
