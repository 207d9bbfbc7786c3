package job

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/plan"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

type (
	jobChange = func(*obatchv1.Job)
	podChange = func(*ocorev1.Pod)
)

var counts podChange = gen.Finalized[*ocorev1.Pod](batchv1.JobTrackingFinalizer)

// begun makes a Job one that began a minute ago.
func begun(job *obatchv1.Job) {
	at := gen.Ago(time.Minute)
	job.Status.StartTime = &at
}

func sizes(parallelism, completions, limit int32) jobChange {
	return func(job *obatchv1.Job) {
		job.Spec.Parallelism, job.Spec.Completions, job.Spec.BackoffLimit = &parallelism, &completions, &limit
	}
}

func suspend(job *obatchv1.Job) { yes := true; job.Spec.Suspend = &yes }

// over makes a pod one that has ended some time ago.
func over(phase corev1.PodPhase, code int32, ago time.Duration) podChange {
	return func(pod *ocorev1.Pod) {
		pod.Spec.NodeName, pod.Status.Phase = "a", phase
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: code, FinishedAt: gen.Ago(ago)},
		}}}
	}
}

func index(n int) podChange {
	return func(pod *ocorev1.Pod) {
		set(&pod.Annotations, batchv1.JobCompletionIndexAnnotation, strconv.Itoa(n))
	}
}

func pods(of ...*ocorev1.Pod) []*ocorev1.Pod { return of }

func planFor(job *obatchv1.Job, of []*ocorev1.Pod) *plan.Plan {
	return (Controller{}).Plan(job, world{claims: ownership.Claims[*ocorev1.Pod]{Held: of}}, gen.Now)
}

// steps are a plan in prose, without what a status says.
func steps(p *plan.Plan) []string {
	var out []string
	for line := range strings.SplitSeq(p.String(), "\n") {
		if strings.HasPrefix(line, "status ") {
			line = "status"
		}
		out = append(out, line)
	}
	return out
}

func TestPlan(t *testing.T) {
	running := gen.Pod("p1", counts, gen.On("a"))
	failed := gen.Pod("p0", counts, over(corev1.PodFailed, 1, 4*time.Second))
	done := gen.Pod("p0", counts, over(corev1.PodSucceeded, 0, 4*time.Second))
	release := func(pod string) string {
		return fmt.Sprintf("patch Pod default/%s {\"metadata\":{\"finalizers\":null}}", pod)
	}
	managed := func(job *obatchv1.Job) { other := "example.com/kueue"; job.Spec.ManagedBy = &other }
	deadline := func(job *obatchv1.Job) { s := int64(90); job.Spec.ActiveDeadlineSeconds = &s }
	for _, tt := range []struct {
		name string
		job  *obatchv1.Job
		pods []*ocorev1.Pod
		want []string
	}{
		{"starts as many pods as may run", gen.Job("sums", sizes(2, 3, 6)), nil,
			[]string{"create 2 Pods (default/sums-*): 0 pods run of 2, 0 have succeeded", "status"}},
		{"starts no more than are missing", gen.Job("sums", sizes(5, 2, 6), begun), pods(running),
			[]string{"create Pod default/sums-*: 1 pods run of 2, 0 have succeeded", "status"}},
		{"stops what is too much, which is no failure", gen.Job("sums", sizes(0, 3, 6), begun), pods(running),
			[]string{release("p1") + ": 1 pods run, 0 are wanted", "delete Pod default/p1: 1 pods run, 0 are wanted", "status"}},
		{"writes down what has ended, and waits before the next try", gen.Job("sums", sizes(2, 3, 6), begun), pods(failed, running),
			[]string{"status", release("p0") + ": 1 pods are written down", "look again in 6s: the pods of the last failures have waited long enough"}},
		{"ends with the last success", gen.Job("sums", sizes(2, 1, 6), begun), pods(done),
			[]string{"status", release("p0") + ": 1 pods are written down"}},
		{"stops all when too many have failed", gen.Job("sums", sizes(2, 3, 0), begun), pods(failed, running),
			[]string{"status", release("p0") + ": 1 pods are written down", "delete Pod default/p1: the Job ends: BackoffLimitExceeded"}},
		{"stops all while it is suspended", gen.Job("sums", sizes(2, 3, 6), begun, suspend), pods(running),
			[]string{release("p1") + ": the Job is suspended", "delete Pod default/p1: the Job is suspended", "status", "event Normal Suspended for Job default/sums: Job suspended"}},
		{"ends when it is suspended and nothing more is needed", gen.Job("sums", begun, suspend, func(job *obatchv1.Job) {
			job.Spec.Parallelism, job.Spec.Completions, job.Spec.BackoffLimit = ptr.To(int32(2)), nil, ptr.To(int32(6))
			job.Status.Succeeded = 1
		}), pods(running), []string{"delete Pod default/p1: the Job ends: CompletionsReached", "status"}},
		{"looks at the time", gen.Job("sums", sizes(1, 1, 6), begun, deadline), pods(running), []string{"status", "look again in 30s: its deadline passes"}},
		{"leaves alone what another manages", gen.Job("sums", managed), nil, []string{"nothing to do: it is example.com/kueue's"}},
		{"leaves alone what is over", gen.Job("sums", func(job *obatchv1.Job) {
			job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
		}), pods(done), []string{"nothing to do: it is over"}},
		{"starts none while it is being deleted", gen.Job("sums", sizes(2, 3, 6), begun, gen.Deleted), nil, []string{"status"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, steps(planFor(tt.job, tt.pods))); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

// reported is the status that a plan writes if all succeeds.
func reported(t *testing.T, p *plan.Plan) batchv1.JobStatus {
	t.Helper()
	for _, step := range p.All() {
		if s, ok := step.(*plan.Status); ok {
			return s.Wanted().(*obatchv1.Job).Status
		}
	}
	t.Fatal("the plan writes no status")
	return batchv1.JobStatus{}
}

func TestCounting(t *testing.T) {
	job := gen.Job("sums", sizes(2, 9, 6), begun, func(job *obatchv1.Job) {
		job.Status.Succeeded, job.Status.Failed = 3, 1
		job.Status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{
			Succeeded: []types.UID{"gone", "kept"}, Failed: []types.UID{"bad"},
		}
	})
	s := reported(t, planFor(job, pods(
		gen.Pod("bad", over(corev1.PodFailed, 1, 0)),
		gen.Pod("kept", counts, over(corev1.PodSucceeded, 0, 0)),
		gen.Pod("new", counts, over(corev1.PodSucceeded, 0, 0)),
		gen.Pod("ready", counts, gen.Ready(gen.Ago(0))),
		gen.Pod("leaving", counts, gen.On("a"), gen.Going),
	)))
	rest := batchv1.UncountedTerminatedPods{Succeeded: []types.UID{"kept", "new"}, Failed: []types.UID{"leaving"}}
	if diff := cmp.Diff(&rest, s.UncountedTerminatedPods); diff != "" {
		t.Errorf("not counted are (-want +got):\n%s", diff)
	}
	if s.Succeeded != 4 || s.Failed != 2 || s.Active != 1 || *s.Ready != 1 || *s.Terminating != 1 {
		t.Errorf("the status is %+v", s)
	}
}

func TestPodsThatGoBecauseTheJobIsDoneHaveNotFailed(t *testing.T) {
	for kind, want := range map[batchv1.JobConditionType]int{batchv1.JobSuccessCriteriaMet: 0, batchv1.JobFailureTarget: 1} {
		for _, replaced := range []batchv1.PodReplacementPolicy{batchv1.Failed, batchv1.TerminatingOrFailed} {
			job := gen.Job("sums", sizes(2, 1, 6), begun, func(job *obatchv1.Job) {
				job.Spec.PodReplacementPolicy = &replaced
				job.Status.Conditions = []batchv1.JobCondition{{Type: kind, Status: corev1.ConditionTrue}}
			})
			s := reported(t, planFor(job, pods(gen.Pod("leaving", counts, gen.On("a"), gen.Going))))
			if got := int(s.Failed) + len(s.UncountedTerminatedPods.Failed); got != want {
				t.Errorf("of a Job with the condition %s whose pods are replaced when %s, %d pods have failed, want %d", kind, replaced, got, want)
			}
		}
	}
}

func TestPodsThatGoAlongWithTheJobHaveNotFailed(t *testing.T) {
	for _, limit := range []int32{0, 6} {
		job := gen.Job("sums", sizes(2, 3, limit), begun, gen.Deleted)
		p := planFor(job, pods(gen.Pod("leaving", counts, gen.On("a"), gen.Going), gen.Pod("running", counts, gen.On("a"))))
		want := []string{"status", `patch Pod default/leaving {"metadata":{"finalizers":null}}: 1 pods are written down`}
		if diff := cmp.Diff(want, steps(p)); diff != "" {
			t.Errorf("with a back-off limit of %d the plan is not as wanted (-want +got):\n%s", limit, diff)
		}
		if s := reported(t, p); int(s.Failed)+len(s.UncountedTerminatedPods.Failed) != 0 || len(s.Conditions) != 0 {
			t.Errorf("with a back-off limit of %d the status is %+v, want no failure", limit, s)
		}
	}
}

func TestIndexesThatAreStoppedWithTheJobHaveNotFailed(t *testing.T) {
	limit := int32(0)
	s := reported(t, planFor(gen.Job("sums", sizes(2, 2, 6), ofIndexes, begun, func(job *obatchv1.Job) {
		job.Spec.BackoffLimitPerIndex = &limit
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue}}
	}), pods(
		gen.Pod("bad", counts, index(0), over(corev1.PodFailed, 1, 0)),
		gen.Pod("leaving", counts, index(1), gen.On("a"), gen.Going),
	)))
	if failed := ptr.Deref(s.FailedIndexes, "none"); failed != "0" || len(s.UncountedTerminatedPods.Failed) != 2 {
		t.Errorf("the indexes %s and the pods %v have failed, want index 0 and both pods", failed, s.UncountedTerminatedPods.Failed)
	}
}

func TestVerdicts(t *testing.T) {
	indexed := func(n int32) jobChange {
		return func(job *obatchv1.Job) {
			ofIndexes(job)
			job.Spec.Completions = &n
		}
	}
	perIndex := func(limit int32, most *int32) jobChange {
		return func(job *obatchv1.Job) {
			job.Spec.BackoffLimitPerIndex, job.Spec.MaxFailedIndexes = &limit, most
			all := int32(1<<31 - 1)
			job.Spec.BackoffLimit = &all
		}
	}
	onFailure := func(job *obatchv1.Job) { job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyOnFailure }
	restarted := func(n int32) podChange {
		return func(pod *ocorev1.Pod) { pod.Status.ContainerStatuses = []corev1.ContainerStatus{{RestartCount: n}} }
	}
	succeeds := func(rules ...batchv1.SuccessPolicyRule) jobChange {
		return func(job *obatchv1.Job) { job.Spec.SuccessPolicy = &batchv1.SuccessPolicy{Rules: rules} }
	}
	fails := func(rules ...batchv1.PodFailurePolicyRule) jobChange {
		return func(job *obatchv1.Job) { job.Spec.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: rules} }
	}
	onCode := func(action batchv1.PodFailurePolicyAction, codes ...int32) batchv1.PodFailurePolicyRule {
		return batchv1.PodFailurePolicyRule{Action: action, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: codes}}
	}
	some, zero, one := "0,2", int32(0), int32(1)
	bad := func(name string, changes ...podChange) *ocorev1.Pod {
		return gen.Pod(name, append([]podChange{counts, over(corev1.PodFailed, 7, time.Second)}, changes...)...)
	}
	good := func(name string, changes ...podChange) *ocorev1.Pod {
		return gen.Pod(name, append([]podChange{counts, over(corev1.PodSucceeded, 0, time.Second)}, changes...)...)
	}
	for _, tt := range []struct {
		name string
		job  *obatchv1.Job
		pods []*ocorev1.Pod
		want string
	}{
		{"none while there is something to do", gen.Job("sums", sizes(1, 2, 6)), pods(good("a")), ""},
		{"enough have succeeded", gen.Job("sums", sizes(1, 2, 6)), pods(good("a"), good("b")), "CompletionsReached: Reached expected number of succeeded pods"},
		{"not while another runs", gen.Job("sums", sizes(3, 2, 6)), pods(good("a"), good("b"), gen.Pod("c", counts)), ""},
		{"one has succeeded, without completions", gen.Job("sums", func(job *obatchv1.Job) { job.Spec.Completions = nil }), pods(good("a")),
			"CompletionsReached: Reached expected number of succeeded pods"},
		{"too many have failed", gen.Job("sums", sizes(1, 2, 1)), pods(bad("a"), bad("b")), "BackoffLimitExceeded: Job has reached the specified backoff limit"},
		{"containers restart too often", gen.Job("sums", sizes(1, 2, 3), onFailure), pods(gen.Pod("a", gen.On("n"), restarted(3))),
			"BackoffLimitExceeded: Job has reached the specified backoff limit"},
		{"a rule says so", gen.Job("sums", fails(onCode(batchv1.PodFailurePolicyActionFailJob, 7))), pods(bad("a")),
			"PodFailurePolicy: Container app for pod default/a failed with exit code 7 matching FailJob rule at index 0"},
		{"what a rule ignores does not count", gen.Job("sums", sizes(1, 2, 0), fails(onCode(batchv1.PodFailurePolicyActionIgnore, 7))), pods(bad("a")), ""},
		{"the first rule that fits counts", gen.Job("sums", sizes(1, 2, 0), fails(onCode(batchv1.PodFailurePolicyActionIgnore, 7), onCode(batchv1.PodFailurePolicyActionFailJob, 7))),
			pods(bad("a")), ""},
		{"time is over", gen.Job("sums", begun, func(job *obatchv1.Job) { s := int64(60); job.Spec.ActiveDeadlineSeconds = &s }), nil,
			"DeadlineExceeded: Job was active longer than specified deadline"},
		{"time does not pass while it is suspended", gen.Job("sums", begun, suspend, func(job *obatchv1.Job) { s := int64(60); job.Spec.ActiveDeadlineSeconds = &s }), nil, ""},
		{"all indexes have ended, and one failed", gen.Job("sums", indexed(2), perIndex(0, nil)), pods(good("a", index(0)), bad("b", index(1))), "FailedIndexes: Job has failed indexes"},
		{"not while an index may be tried again", gen.Job("sums", indexed(2), perIndex(1, nil)), pods(good("a", index(0)), bad("b", index(1))), ""},
		{"an index fails by a rule", gen.Job("sums", indexed(1), perIndex(5, nil), fails(onCode(batchv1.PodFailurePolicyActionFailIndex, 7))), pods(bad("b", index(0))),
			"FailedIndexes: Job has failed indexes"},
		{"more indexes failed than may", gen.Job("sums", indexed(5), perIndex(0, &zero)), pods(bad("b", index(1))),
			"MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes"},
		{"the indexes of a rule have succeeded", gen.Job("sums", indexed(3), succeeds(batchv1.SuccessPolicyRule{SucceededIndexes: &some})),
			pods(good("a", index(0)), good("c", index(2))), "SuccessPolicy: Matched rules at index 0"},
		{"some of them are not all", gen.Job("sums", indexed(3), succeeds(batchv1.SuccessPolicyRule{SucceededIndexes: &some})), pods(good("a", index(0))), ""},
		{"so many of them as a rule asks for", gen.Job("sums", indexed(3), succeeds(batchv1.SuccessPolicyRule{SucceededIndexes: &some, SucceededCount: &one})),
			pods(good("c", index(2))), "SuccessPolicy: Matched rules at index 0"},
		{"so many of any", gen.Job("sums", indexed(3), succeeds(batchv1.SuccessPolicyRule{SucceededCount: &one})), pods(good("b", index(1))), "SuccessPolicy: Matched rules at index 0"},
		{"what was written stands", gen.Job("sums", sizes(1, 2, 0), func(job *obatchv1.Job) {
			job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue, Reason: "SuccessPolicy", Message: "yes"}}
		}), pods(bad("a")), "SuccessPolicy: yes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if v := newAccount(tt.job, tt.pods, gen.Now).verdict(); v != nil {
				got = v.reason + ": " + v.message
			}
			if got != tt.want {
				t.Errorf("the verdict is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAVerdictBecomesFinalWhenAllIsQuiet(t *testing.T) {
	met := func(job *obatchv1.Job) {
		job.Status.Succeeded = 1
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue, Reason: "CompletionsReached", Message: "enough"}}
	}
	for _, tt := range []struct {
		name string
		pods []*ocorev1.Pod
		want bool
	}{
		{"with nothing left", nil, true},
		{"not while a pod is not counted", pods(gen.Pod("a", counts, over(corev1.PodSucceeded, 0, 0))), false},
		{"not while a pod is being deleted", pods(gen.Pod("a", gen.On("n"), gen.Going)), false},
		{"not while one runs", pods(gen.Pod("a", counts, gen.On("n"))), false},
		{"with pods that lie about", pods(gen.Pod("a", over(corev1.PodSucceeded, 0, 0))), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := reported(t, planFor(gen.Job("sums", begun, met), tt.pods))
			complete := slices.ContainsFunc(s.Conditions, func(c batchv1.JobCondition) bool {
				return c.Type == batchv1.JobComplete && c.Reason == "CompletionsReached" && c.Message == "enough"
			})
			if complete != tt.want || (s.CompletionTime != nil) != tt.want {
				t.Errorf("it is complete: %t, at %v; want %t", complete, s.CompletionTime, tt.want)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: 0, 1: 10 * time.Second, 2: 20 * time.Second, 6: 320 * time.Second, 7: 10 * time.Minute, 100: 10 * time.Minute} {
		if got := backoff(failures); got != want {
			t.Errorf("after %d failures it is %s, want %s", failures, got, want)
		}
	}
	a := newAccount(gen.Job("sums"), pods(
		gen.Pod("a", over(corev1.PodFailed, 1, time.Hour)), gen.Pod("b", over(corev1.PodSucceeded, 0, time.Minute)),
		gen.Pod("c", over(corev1.PodFailed, 1, 30*time.Second)), gen.Pod("d", over(corev1.PodFailed, 1, 5*time.Second)),
	), gen.Now)
	if got := a.untilRetry(); got != 15*time.Second {
		t.Errorf("after two failures since the last success, the latest 5 s ago, it is %s, want 15s", got)
	}
}

func TestPodsOfIndexes(t *testing.T) {
	job := gen.Job("sums", sizes(3, 5, 6), ofIndexes, begun, func(job *obatchv1.Job) {
		job.Status.CompletedIndexes, job.Status.Succeeded = "0", 1
		limit := int32(3)
		job.Spec.BackoffLimitPerIndex = &limit
		failed := ""
		job.Status.FailedIndexes = &failed
	})
	a := newAccount(job, pods(
		gen.Pod("sums-2", counts, index(2), gen.On("n")),
		gen.Pod("sums-1", counts, index(1), over(corev1.PodFailed, 1, time.Hour)),
	), gen.Now)
	todo := a.manage(nil)
	var got []string
	for _, pod := range todo.create {
		got = append(got, fmt.Sprintf("%s %s failed=%s", pod.GenerateName, pod.Spec.Hostname, pod.Annotations[batchv1.JobIndexFailureCountAnnotation]))
		if pod.Labels[batchv1.JobCompletionIndexAnnotation] == "" || pod.Spec.Containers[0].Env[0].Name != "JOB_COMPLETION_INDEX" || !tracked(pod) {
			t.Errorf("pod %s does not know its index, or is not counted: %v", pod.GenerateName, pod.Labels)
		}
	}
	if diff := cmp.Diff([]string{"sums-1- sums-1 failed=1", "sums-3- sums-3 failed=0"}, got); diff != "" {
		t.Errorf("made are (-want +got):\n%s", diff)
	}
	if _, released := a.report(nil); len(released) != 0 {
		t.Errorf("%d pods are let go, though one has to tell how often its index failed", len(released))
	}
}

func TestDuplicatesOfAnIndexGo(t *testing.T) {
	a := newAccount(gen.Job("sums", sizes(3, 3, 6), ofIndexes), pods(
		gen.Pod("a", index(0), gen.Ready(metav1.NewTime(gen.Now))), gen.Pod("b", index(0)), gen.Pod("c", index(7)), gen.Pod("d", index(1)),
	), gen.Now)
	var got []string
	for _, pod := range a.manage(nil).remove {
		got = append(got, pod.Name)
	}
	if diff := cmp.Diff([]string{"c", "b"}, got); diff != "" {
		t.Errorf("removed are (-want +got):\n%s", diff)
	}
}
