package job

import (
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// labels that tell a Job's pods from others', as an API server adds them to the template of a Job that it stores. The first two are of
// releases before 1.27.
const (
	legacyUIDLabel  = "controller-uid"
	legacyNameLabel = "job-name"
)

// selecting is a Job that selects its own pods and nobody else's: as it is stored, where an API server that knows Jobs has seen to that,
// or the user has (manualSelector); else with the selector and the labels that such a server would have given it. One that is a custom
// resource has none, and cannot be given them before it is stored, since they hold its UID.
func selecting(job *obatchv1.Job) *obatchv1.Job {
	if job.Spec.Selector != nil || ptr.Deref(job.Spec.ManualSelector, false) {
		return job
	}
	job = job.DeepCopy()
	uid := string(job.UID)
	job.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{batchv1.ControllerUidLabel: uid}}
	labels := &job.Spec.Template.Labels
	set(labels, legacyUIDLabel, uid)
	set(labels, batchv1.ControllerUidLabel, uid)
	set(labels, legacyNameLabel, job.Name)
	set(labels, batchv1.JobNameLabel, job.Name)
	return job
}
