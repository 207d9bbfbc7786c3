package main

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

// endingPods is a template of pods that succeed at once.
func endingPods(app string) corev1.PodTemplateSpec {
	template := podsOf(app)
	template.Labels[endsLabel] = "yes"
	template.Spec.RestartPolicy = corev1.RestartPolicyNever
	return template
}

func succeeded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded && len(pod.Finalizers) == 0
}

func oneJob(ctx context.Context, g *stage) error {
	n, parallel := g.settings.scaled(10_000), g.settings.scaled(500)
	if err := g.beginWork(ctx); err != nil {
		return err
	}
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "job", Namespace: work},
		Spec:       batchv1.JobSpec{Completions: ptr.To(int32(n)), Parallelism: ptr.To(int32(parallel)), Template: endingPods("job")},
	}
	return g.step(ctx, step{
		name: "complete", objects: n,
		do: func(ctx context.Context) error {
			_, err := g.client.BatchV1().Jobs(work).Create(ctx, job, metav1.CreateOptions{})
			return err
		},
		done: func() (string, bool) {
			now, err := g.batch.Jobs().Lister().Jobs(work).Get("job")
			if err != nil {
				return err.Error(), false
			}
			return fmt.Sprintf("%d of %d pods have succeeded", now.Status.Succeeded, n), complete(now)
		},
		holds: func(context.Context) error {
			now, err := g.batch.Jobs().Lister().Jobs(work).Get("job")
			if err != nil {
				return err
			}
			if s := now.Status; int(s.Succeeded) != n || s.Failed != 0 || s.Active != 0 {
				return fmt.Errorf("the Job counts %d that have succeeded, %d that have failed, and %d active", s.Succeeded, s.Failed, s.Active)
			}
			return expect(g.podsAre(work, n, succeeded))
		},
	})
}

func complete(job *batchv1.Job) bool {
	for _, c := range job.Status.Conditions {
		if c.Type == batchv1.JobComplete && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// cronJobs makes CronJobs that are due at the next full minute but not before all of them have been made. The clock of the step starts
// when they are due.
func cronJobs(ctx context.Context, g *stage) error {
	n := g.settings.scaled(1_000)
	if err := g.beginWork(ctx); err != nil {
		return err
	}
	g.say.Phase("creating CronJobs")
	const soon = 30 * time.Second // they are made by then
	due := time.Now().Add(soon).Truncate(time.Minute).Add(time.Minute)
	if err := side(ctx, n, func(ctx context.Context, i int) error { return g.createCronJob(ctx, i, due) }); err != nil {
		return err
	}
	if err := g.rest(ctx); err != nil {
		return err
	}
	if !time.Now().Before(due) {
		return fmt.Errorf("making %d CronJobs took until after they were due: take fewer", n)
	}
	g.say.Phase("waiting for " + due.Format(time.TimeOnly))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	}
	return g.step(ctx, step{
		name: "due", objects: n,
		done: func() (string, bool) { return g.allRun(n) },
		holds: func(context.Context) error {
			jobs, _ := g.batch.Jobs().Lister().Jobs(work).List(labels.Everything()) // a lister of a cache has no errors
			if len(jobs) != n {
				return fmt.Errorf("there are %d Jobs: want %d", len(jobs), n)
			}
			return expect(g.podsAre(work, n, succeeded))
		},
	})
}

func (g *stage) createCronJob(ctx context.Context, i int, due time.Time) error {
	name := fmt.Sprintf("cron-%04d", i)
	cronJob := &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: work},
		Spec: batchv1.CronJobSpec{
			Schedule: fmt.Sprintf("%d %d * * *", due.UTC().Minute(), due.UTC().Hour()), TimeZone: ptr.To("Etc/UTC"),
			JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: endingPods(name)}},
		},
	}
	if _, err := g.client.BatchV1().CronJobs(work).Create(ctx, cronJob, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating CronJob %s: %w", name, err)
	}
	return nil
}

// allRun says whether every CronJob knows that its Job has succeeded.
func (g *stage) allRun(n int) (string, bool) {
	cronJobs, _ := g.batch.CronJobs().Lister().CronJobs(work).List(labels.Everything()) // a lister of a cache has no errors
	scheduled, done := 0, 0
	for _, c := range cronJobs {
		if c.Status.LastScheduleTime != nil {
			scheduled++
		}
		if c.Status.LastSuccessfulTime != nil && len(c.Status.Active) == 0 {
			done++
		}
	}
	return fmt.Sprintf("%d of %d CronJobs have begun, %d are done", scheduled, n, done), done == n
}
