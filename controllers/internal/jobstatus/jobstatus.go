// Package jobstatus reads from a Job's conditions whether it is over.
//
// It is pure, and shared by the rooms that make Jobs, run them, and clear them away.
package jobstatus

import (
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// Finished is the condition by which a Job is over: Complete or Failed. It is nil while the Job may still run pods.
func Finished(job *obatchv1.Job) *batchv1.JobCondition {
	for i := range job.Status.Conditions {
		c := &job.Status.Conditions[i]
		if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) {
			return c
		}
	}
	return nil
}

// FinishedAt is when a Job was over; zero while it is not.
func FinishedAt(job *obatchv1.Job) time.Time {
	if finished := Finished(job); finished != nil {
		return finished.LastTransitionTime.Time
	}
	return time.Time{}
}
