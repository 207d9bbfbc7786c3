package controller

import (
	"testing"
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	housekeepingv1 "github.com/orrery-dev/orrery/examples/jobhistory/api/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// keeping is a JobHistory that has reported so many Jobs.
func keeping(keep, kept int32) *housekeepingv1.JobHistory {
	return &housekeepingv1.JobHistory{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "nightly"},
		Spec:       housekeepingv1.JobHistorySpec{Keep: keep},
		Status:     housekeepingv1.JobHistoryStatus{Kept: kept},
	}
}

func done(name string) *obatchv1.Job {
	return &obatchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{
			{Type: batchv1.JobComplete, Status: corev1.ConditionTrue},
		}},
	}
}

func TestPlan(t *testing.T) {
	for _, test := range []struct {
		name     string
		history  *housekeepingv1.JobHistory
		finished []*obatchv1.Job
		want     string
	}{
		{"keeps what it may keep", keeping(2, 2), []*obatchv1.Job{done("b"), done("a")}, "nothing to do"},
		{"deletes the oldest of three", keeping(2, 2), []*obatchv1.Job{done("c"), done("b"), done("a")}, "delete Job default/a: 3 finished Jobs, 2 to keep"},
		{"reports what it keeps", keeping(2, 0), []*obatchv1.Job{done("a")}, `status JobHistory default/nightly {"status":{"kept":1}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (Controller{}).Plan(test.history, world{finished: test.finished}, noon).String(); got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
