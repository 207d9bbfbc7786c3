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
		what += s.limitedInTime(job)
		s.begin(what, job)
	},
	moves: []move{
		{6, happensToAll(lives)},
		{6, happens(lives)},
		{2, happens(isPlaced)},
		{8, happens(succeeds)},
		{4, happensToAll(succeeds)},
		{4, happens(fails)},
		{3, happens(exits42)},
		{2, happens(isDisrupted)},
		{2, happens(isDeleted)},
		{3, happensToAll(goes)},
		{2, func(s *scenario) bool {
			job, _ := s.now.objects["Job/"+name].(*batchv1.Job)
			if job == nil || job.Spec.CompletionMode == nil || *job.Spec.CompletionMode != batchv1.IndexedCompletion {
				return false
			}
			n := int32(1 + s.IntN(4))
			return s.edit("Job", fmt.Sprintf("is of %d indexes, all at once", n), func(obj client.Object) {
				obj.(*batchv1.Job).Spec.Completions, obj.(*batchv1.Job).Spec.Parallelism = &n, &n
			})
		}},
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
	finish: func(s *scenario) {
		s.goOn()
		s.original.(*batchv1.Job).Spec.TTLSecondsAfterFinished = nil // it is to stay
		beginsAnew(s)
		s.goOn()
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
		what += s.successPolicy(job)
	}
	return what
}

// successPolicy says which successes are enough.
func (s *scenario) successPolicy(job *batchv1.Job) string {
	one, first := int32(1), "0"
	rules := []batchv1.SuccessPolicyRule{{SucceededCount: &one}, {SucceededIndexes: &first}}
	what := []string{"one success is enough", "success of the first is enough", "one success of the first two is enough"}
	if *job.Spec.Completions > 1 {
		two := "0-1"
		rules = append(rules, batchv1.SuccessPolicyRule{SucceededIndexes: &two, SucceededCount: &one})
	}
	i := s.IntN(len(rules))
	job.Spec.SuccessPolicy = &batchv1.SuccessPolicy{Rules: rules[i : i+1]}
	return ", " + what[i]
}

// limitedInTime perhaps has a Job end after a while, or go when it has ended.
func (s *scenario) limitedInTime(job *batchv1.Job) string {
	what := ""
	if s.chance(15) {
		ttl := int32(s.IntN(2))
		job.Spec.TTLSecondsAfterFinished = &ttl
		what += fmt.Sprintf(", gone %d s after it has finished", ttl)
		s.quiet = time.Duration(ttl) * 2500 * time.Millisecond
	}
	if s.chance(5) {
		deadline := int64(1)
		job.Spec.ActiveDeadlineSeconds = &deadline
		what += ", active for a second at most"
		s.quiet = 2500 * time.Millisecond
	}
	return what
}

// failurePolicy says what becomes of pods that failed: by what they exited with, or because they were disrupted.
func (s *scenario) failurePolicy(job *batchv1.Job) string {
	actions := []batchv1.PodFailurePolicyAction{batchv1.PodFailurePolicyActionFailJob, batchv1.PodFailurePolicyActionIgnore, batchv1.PodFailurePolicyActionCount}
	if job.Spec.BackoffLimitPerIndex != nil {
		actions = append(actions, batchv1.PodFailurePolicyActionFailIndex)
	}
	var rules []batchv1.PodFailurePolicyRule
	what := ""
	for range 1 + s.IntN(2) {
		rule := batchv1.PodFailurePolicyRule{Action: actions[s.IntN(len(actions))]}
		switch s.IntN(3) {
		case 0:
			rule.OnPodConditions = []batchv1.PodFailurePolicyOnPodConditionsPattern{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}
			what += fmt.Sprintf(", if disrupted %s", rule.Action)
		case 1:
			rule.OnExitCodes = &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: batchv1.PodFailurePolicyOnExitCodesOpNotIn, Values: []int32{1}}
			what += fmt.Sprintf(", on other exit codes than 1 %s", rule.Action)
		default:
			rule.OnExitCodes = &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{1}}
			what += fmt.Sprintf(", on exit code 1 %s", rule.Action)
		}
		rules = append(rules, rule)
	}
	job.Spec.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: rules}
	return what
}

var cronJobSubject = subject{
	name: "CronJob",
	start: func(s *scenario) {
		t := template("web", "web:1")
		t.Spec.RestartPolicy = corev1.RestartPolicyNever
		successes, failures := int32(s.IntN(3)), int32(s.IntN(2))
		concurrency := []batchv1.ConcurrencyPolicy{batchv1.AllowConcurrent, batchv1.ForbidConcurrent, batchv1.ReplaceConcurrent}[s.IntN(3)]
		cron := &batchv1.CronJob{ObjectMeta: s.meta(name), Spec: batchv1.CronJobSpec{
			Schedule: s.aYearFromNow(), ConcurrencyPolicy: concurrency, SuccessfulJobsHistoryLimit: &successes, FailedJobsHistoryLimit: &failures,
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
		{1, func(s *scenario) bool {
			s.raced = true // a Job may be seen to be missing, or the CronJob gone
			return deletesIt("CronJob", metav1.DeletePropagationForeground)(s)
		}},
		{1, deletesIt("CronJob", metav1.DeletePropagationOrphan)},
	},
	finish: func(s *scenario) {
		s.goOn()
		beginsAnew(s)
		s.edit("CronJob", "is resumed, whatever the deadline", func(obj client.Object) {
			spec := &obj.(*batchv1.CronJob).Spec
			spec.Suspend, spec.StartingDeadlineSeconds = nil, nil
		})
		s.isDue(1)
		s.goOn()
	},
}

// aYearFromNow is a schedule that is not met while a scenario lasts, in any time zone.
func (s *scenario) aYearFromNow() string {
	day := time.Now().AddDate(0, 0, -20)
	return fmt.Sprintf("0 0 %d %d *", day.Day(), day.Month())
}

// isDue makes a CronJob due, by a schedule that met a minute of the last days, and each of some years before. Each time it is a later one,
// for what has been served is not due once more.
func (s *scenario) isDue(years int) bool {
	key := "CronJob/" + name
	if s.now.objects[key] == nil {
		return false
	}
	s.dues++
	due := time.Now().UTC().Truncate(time.Minute).Add(time.Duration(s.dues-200) * time.Hour)
	s.do(fmt.Sprintf("%s is due, if it was not for %d years", key, years), func(ctx context.Context, c client.Client, st *state) error {
		cron := st.objects[key].DeepCopyObject().(*batchv1.CronJob)
		if err := changeObject(ctx, c, cron, func(cron *batchv1.CronJob) {
			at := due
			if cron.Spec.TimeZone != nil {
				at = due.In(time.FixedZone(*cron.Spec.TimeZone, 9*3600))
			}
			cron.Spec.Schedule = fmt.Sprintf("%d %d %d %d *", at.Minute(), at.Hour(), at.Day(), at.Month())
		}); err != nil || cron.Status.LastScheduleTime != nil {
			return err
		}
		return changeStatus(ctx, c, cron, func(cron *batchv1.CronJob) {
			last := metav1.NewTime(due.AddDate(-years, 0, -1))
			cron.Status.LastScheduleTime = &last
		})
	})
	return true
}
