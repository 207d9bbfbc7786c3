package cronjob

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

type change = func(*obatchv1.CronJob)

// hour is the full hour before gen.Now, which is 03:04:05.
var hour = gen.Now.Truncate(time.Hour)

// hourly builds a CronJob that was made two and a half hours ago and has been served until some hours before the last full one.
func hourly(served int, changes ...change) *obatchv1.CronJob {
	cron := gen.CronJob("sums", "0 * * * *", changes...)
	cron.CreationTimestamp = gen.Ago(150 * time.Minute)
	last := metav1.NewTime(hour.Add(-time.Duration(served) * time.Hour))
	cron.Status.LastScheduleTime = &last
	return cron
}

// of makes a Job one of a CronJob's.
func of(cron *obatchv1.CronJob, at time.Time, changes ...func(*obatchv1.Job)) *obatchv1.Job {
	job := jobFor(cron, at)
	job.UID = types.UID(job.Name)
	job.ResourceVersion = "7"
	job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(cron, batchv1.SchemeGroupVersion.WithKind("CronJob"))}
	for _, change := range changes {
		change(job)
	}
	return job
}

func ended(kind batchv1.JobConditionType, began, ago time.Duration) func(*obatchv1.Job) {
	return func(job *obatchv1.Job) {
		start, end := gen.Ago(began), gen.Ago(ago)
		job.Status.StartTime = &start
		if kind == batchv1.JobComplete {
			job.Status.CompletionTime = &end
		}
		job.Status.Conditions = []batchv1.JobCondition{{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: end}}
	}
}

// lists writes Jobs down as running.
func lists(jobs ...*obatchv1.Job) change {
	return func(cron *obatchv1.CronJob) {
		for _, job := range jobs {
			cron.Status.Active = append(cron.Status.Active, corev1.ObjectReference{Kind: "Job", Namespace: job.Namespace, Name: job.Name, UID: job.UID})
		}
	}
}

func policy(p batchv1.ConcurrencyPolicy) change {
	return func(cron *obatchv1.CronJob) { cron.Spec.ConcurrencyPolicy = p }
}

func deadline(seconds int64) change {
	return func(cron *obatchv1.CronJob) { cron.Spec.StartingDeadlineSeconds = &seconds }
}

func TestPlan(t *testing.T) {
	const name = "sums-31559220" // of the last full hour
	const next = "look again in 55m55.1s: the next Job is due"
	create := "create Job default/" + name + ": it is due since 2030-01-02 03:00:00"
	earlier := of(hourly(1), hour.Add(-time.Hour))
	suspended := func(cron *obatchv1.CronJob) { yes := true; cron.Spec.Suspend = &yes }
	for _, tt := range []struct {
		name string
		cron *obatchv1.CronJob
		jobs []*obatchv1.Job
		want []string
	}{
		{"makes the Job that is due", hourly(1), nil, []string{create, next}},
		{"makes one, the latest, of several that were missed", hourly(2), nil, []string{create, next}},
		{"makes none before it is due", hourly(0), nil, []string{"nothing to do", next}},
		{"makes none again that was made and could not be reported", hourly(1), []*obatchv1.Job{of(hourly(1), hour)},
			[]string{"status", next}},
		{"makes none that is too late, and tells of it", hourly(1, deadline(60)), nil, []string{
			"nothing to do", next, "event Warning MissSchedule: Missed scheduled time to start a job: Wed, 02 Jan 2030 03:00:00 +0000"}},
		{"makes one that is late and not too late", hourly(1, deadline(300)), nil, []string{create, next}},
		{"makes another beside one that runs, if it may", hourly(1, lists(earlier)), []*obatchv1.Job{earlier}, []string{create, next}},
		{"waits for one that runs, if it has to", hourly(1, policy(batchv1.ForbidConcurrent), lists(earlier)), []*obatchv1.Job{earlier}, []string{
			"nothing to do", next, "event Normal JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid"}},
		{"replaces one that runs, if it shall, and does not list it any more", hourly(1, policy(batchv1.ReplaceConcurrent), lists(earlier)), []*obatchv1.Job{earlier}, []string{
			"status", "delete Job default/" + earlier.Name + ": another one is due, which replaces it", create, next}},
		{"makes none while it is suspended", hourly(1, suspended), nil, []string{"nothing to do: it is suspended"}},
		{"makes none while it is being deleted", hourly(1, gen.Deleted), nil, []string{"nothing to do"}},
		{"tells of a schedule that makes no sense", hourly(1, func(cron *obatchv1.CronJob) { cron.Spec.Schedule = "61 * * * *" }), nil, []string{"nothing to do",
			`event Warning UnparseableSchedule: unparseable schedule: "61 * * * *" : reading the schedule "61 * * * *": end of range (61) above maximum (59): 61`}},
		{"tells of one that no time matches", hourly(1, func(cron *obatchv1.CronJob) { cron.Spec.Schedule = "59 23 31 2 *" }), nil, []string{"nothing to do",
			"event Warning InvalidSchedule: invalid schedule: 59 23 31 2 * : no time ever matches it"}},
		{"tells of a time zone that nobody knows", hourly(1, func(cron *obatchv1.CronJob) { zone := "Atlantis/Center"; cron.Spec.TimeZone = &zone }), nil,
			[]string{"nothing to do", `event Warning UnknownTimeZone: invalid timeZone: "Atlantis/Center": reading the schedule "0 * * * *": unknown time zone "Atlantis/Center": unknown time zone Atlantis/Center`}},
		{"tells of very many that were missed", hourly(200), nil, []string{create, next,
			"event Warning TooManyMissedTimes: too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines((Controller{}).Plan(tt.cron, world{jobs: tt.jobs}, gen.Now))); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

// lines are a plan in prose, without what a status says, and with the events that are told once.
func lines(p *plan.Plan) []string {
	var out []string
	for line := range strings.SplitSeq(p.String(), "\n") {
		word, _, _ := strings.Cut(line, " ")
		if word == "status" {
			line = word
		}
		out = append(out, line)
	}
	for _, step := range p.All() {
		if idler, ok := step.(interface{ Idle() bool }); ok && idler.Idle() && step.Verb() == "event" {
			what, _, _ := strings.Cut(step.String(), " for ")
			out = append(out, fmt.Sprintf("%s: %s", what, step.Why()))
		}
	}
	return out
}

func TestHistory(t *testing.T) {
	cron := hourly(0)
	var jobs []*obatchv1.Job
	for i := range 5 {
		jobs = append(jobs, of(cron, hour.Add(-time.Duration(i)*time.Hour), ended(batchv1.JobComplete, time.Duration(i+1)*time.Hour, time.Duration(i)*time.Hour)))
	}
	jobs = append(jobs, of(cron, hour.Add(-10*time.Hour), ended(batchv1.JobFailed, 10*time.Hour, 9*time.Hour)))
	p := plan.New()
	tidy(p, cron, world{jobs: jobs}, batchv1.JobComplete, cron.Spec.SuccessfulJobsHistoryLimit)
	tidy(p, cron, world{jobs: jobs}, batchv1.JobFailed, cron.Spec.FailedJobsHistoryLimit)
	want := fmt.Sprintf("delete 2 Jobs (default/%s, default/%s): 5 Jobs have ended as Complete, 3 are kept", jobs[4].Name, jobs[3].Name)
	if got := p.String(); got != want {
		t.Errorf("the plan is %q, want %q", got, want)
	}
	p = plan.New()
	tidy(p, cron, world{jobs: jobs}, batchv1.JobComplete, nil)
	if !p.Empty() {
		t.Errorf("without a limit the plan is %q", p)
	}
}

func TestStatus(t *testing.T) {
	cron := hourly(1)
	running := of(cron, hour)
	before := of(cron, hour.Add(-time.Hour))
	done := of(cron, hour.Add(-2*time.Hour), ended(batchv1.JobComplete, 2*time.Hour, time.Hour))
	by := of(cron, hour.Add(-3*time.Hour), func(job *obatchv1.Job) { job.Name = "by-hand"; job.Annotations = nil })
	ref := corev1.ObjectReference{APIVersion: "batch/v1", Kind: "Job", Namespace: "default", Name: running.Name, UID: running.UID, ResourceVersion: "7"}
	last, succeeded := metav1.NewTime(hour).Rfc3339Copy(), gen.Ago(time.Hour)
	lists(before)(cron)
	want := batchv1.CronJobStatus{
		Active:           append(cron.Status.Active[:1:1], ref),
		LastScheduleTime: &last, LastSuccessfulTime: &succeeded,
	}
	if diff := cmp.Diff(want, status(cron, world{jobs: []*obatchv1.Job{before, by, done, running}}, nil)); diff != "" {
		t.Errorf("the status is not as wanted (-want +got):\n%s", diff)
	}
}

func TestWhatHasBecomeOfJobsIsTold(t *testing.T) {
	cron := hourly(0)
	done := of(cron, hour, ended(batchv1.JobFailed, time.Hour, 0))
	byHand := of(cron, hour, func(job *obatchv1.Job) { job.Name, job.UID = "by-hand", "by-hand" })
	lost := of(cron, hour.Add(-time.Hour))
	lists(done, lost)(cron)
	p := plan.New()
	report(p, cron, world{jobs: []*obatchv1.Job{byHand, done}, missing: cron.Status.Active[1:]}, nil)
	var got []string
	for _, step := range p.All()[1:] {
		got = append(got, step.Why())
	}
	want := []string{
		"Saw a job that the controller did not create or forgot: by-hand",
		"Saw completed job: " + done.Name + ", condition: Failed",
		"Active job went missing: " + lost.Name,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told is (-want +got):\n%s", diff)
	}
}

func TestAJobSaysItsTimeInTheTimeZone(t *testing.T) {
	tokyo := "Asia/Tokyo"
	job := jobFor(hourly(0, func(cron *obatchv1.CronJob) { cron.Spec.TimeZone = &tokyo }), hour)
	if got := job.Annotations[batchv1.CronJobScheduledTimestampAnnotation]; got != "2030-01-02T12:00:00+09:00" {
		t.Errorf("the time is %s", got)
	}
	if at := madeFor(hourly(0), job); !at.Equal(hour) {
		t.Errorf("it is taken for the Job of %s, want %s", at, hour)
	}
}
