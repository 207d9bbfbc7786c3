package gen

import (
	"maps"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Job builds a Job of one pod that may fail six times, as the API server makes one: with the selector and labels that name its
// UID, which is its name.
func Job(name string, changes ...func(*obatchv1.Job)) *obatchv1.Job {
	job := &obatchv1.Job{ObjectMeta: meta(name), Spec: jobSpec(name)}
	job.Labels = maps.Clone(job.Spec.Template.Labels)
	generated := map[string]string{
		batchv1.ControllerUidLabel: string(job.UID), "controller-uid": string(job.UID),
		batchv1.JobNameLabel: name, "job-name": name,
	}
	maps.Copy(job.Spec.Template.Labels, generated)
	job.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{batchv1.ControllerUidLabel: string(job.UID)}}
	for _, change := range changes {
		change(job)
	}
	return job
}

// jobSpec is the spec of a Job, without what names the Job.
func jobSpec(app string) batchv1.JobSpec {
	one, limit, no := int32(1), int32(6), false
	mode, replacement, manual := batchv1.NonIndexedCompletion, batchv1.TerminatingOrFailed, false
	spec := batchv1.JobSpec{
		Parallelism:          &one,
		Completions:          &one,
		BackoffLimit:         &limit,
		CompletionMode:       &mode,
		Suspend:              &no,
		PodReplacementPolicy: &replacement,
		ManualSelector:       &manual,
		Template:             template(app),
	}
	spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	return spec
}

// CronJob builds a CronJob that lets its Jobs overlap and keeps three that have succeeded and one that has failed. Its UID is its
// name.
func CronJob(name, schedule string, changes ...func(*obatchv1.CronJob)) *obatchv1.CronJob {
	succeeded, failed, no := int32(3), int32(1), false
	spec := jobSpec(name)
	// What the API server sets when a Job is created, and not before.
	spec.BackoffLimit, spec.Completions, spec.Parallelism = nil, nil, nil
	spec.CompletionMode, spec.Suspend, spec.PodReplacementPolicy, spec.ManualSelector = nil, nil, nil, nil
	job := &obatchv1.CronJob{
		ObjectMeta: meta(name),
		Spec: batchv1.CronJobSpec{
			Schedule:                   schedule,
			ConcurrencyPolicy:          batchv1.AllowConcurrent,
			Suspend:                    &no,
			JobTemplate:                batchv1.JobTemplateSpec{Spec: spec},
			SuccessfulJobsHistoryLimit: &succeeded,
			FailedJobsHistoryLimit:     &failed,
		},
	}
	for _, change := range changes {
		change(job)
	}
	return job
}
