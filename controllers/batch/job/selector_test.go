package job

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestSelecting(t *testing.T) {
	generated := map[string]string{
		"app": "sums", "controller-uid": "7", batchv1.ControllerUidLabel: "7", "job-name": "sum", batchv1.JobNameLabel: "sum",
	}
	own := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "sums"}}
	for _, c := range []struct {
		name     string
		manual   *bool
		selector *metav1.LabelSelector
		selects  *metav1.LabelSelector
		labels   map[string]string
	}{
		{"one that is stored without a selector selects by its UID", nil, nil, &metav1.LabelSelector{MatchLabels: map[string]string{batchv1.ControllerUidLabel: "7"}}, generated},
		{"one that has a selector keeps it", nil, own, own, map[string]string{"app": "sums"}},
		{"one whose user wants to say it selects nothing until then", ptr.To(true), nil, nil, map[string]string{"app": "sums"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			job := &obatchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "sum", UID: "7"}}
			job.Spec.ManualSelector, job.Spec.Selector, job.Spec.Template.Labels = c.manual, c.selector, map[string]string{"app": "sums"}
			before := job.DeepCopy()
			is := selecting(job)
			if diff := cmp.Diff(c.selects, is.Spec.Selector); diff != "" {
				t.Errorf("the selector differs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.labels, is.Spec.Template.Labels); diff != "" {
				t.Errorf("the labels of the template differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, job); diff != "" {
				t.Errorf("the Job that was handed in was changed:\n%s", diff)
			}
		})
	}
}
