package envtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/framework/activity"
)

// machine is a control plane with nodes, whose time stands still, as one test sees it.
type machine struct {
	t         *testing.T
	te        *envtest.Environment
	kube      *kubernetes.Clientset
	ctx       context.Context
	namespace string
}

func (m *machine) settle() {
	m.t.Helper()
	began := time.Now()
	if err := m.te.Settle(m.ctx); err != nil {
		m.t.Fatal(err)
	}
	m.t.Logf("settled after %s", time.Since(began))
}

func (m *machine) advance(d time.Duration) {
	m.t.Helper()
	began := time.Now()
	if err := m.te.Advance(m.ctx, d); err != nil {
		m.t.Fatal(err)
	}
	m.t.Logf("%s took %s", d, time.Since(began))
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) pods() []corev1.Pod {
	m.t.Helper()
	list, err := m.kube.CoreV1().Pods(m.namespace).List(m.ctx, metav1.ListOptions{})
	m.must(err)
	return list.Items
}

func podTemplate(annotations map[string]string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}, Annotations: annotations},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
}

func deployment(replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, Template: podTemplate(nil),
		},
	}
}

// No test here waits for anything but rest: what is asserted holds the moment after.
func TestATestWaitsForRestAndMovesTime(t *testing.T) {
	te := &envtest.Environment{
		Controllers: true, Scheduler: true, SimulatedNodes: 2, Clock: envtest.NewClock(time.Time{}), Faults: envtest.NewFaults(1),
	}
	config := start(t, te)
	for _, test := range []struct {
		name string
		do   func(m *machine)
	}{
		{"a Deployment rolls out, and goes with all that it owns", rollsOut},
		{"a Job runs for its time, and its TTL passes", jobEnds},
		{"a CronJob runs each minute", cronRuns},
		{"a namespace goes", namespaceGoes},
		{"a user has the rights that it was given", actsAs},
		{"a manager of the test's is waited for", managerRests},
		{"a node dies, and its pods are made anew elsewhere", nodeDies},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			m := &machine{t: t, te: te, kube: typed(t, config), ctx: ctx, namespace: te.Namespace(t)}
			m.settle()
			test.do(m)
		})
	}
}

func rollsOut(m *machine) {
	deployments := m.kube.AppsV1().Deployments(m.namespace)
	_, err := deployments.Create(m.ctx, deployment(3), metav1.CreateOptions{})
	m.must(err)
	m.settle()
	web, err := deployments.Get(m.ctx, "web", metav1.GetOptions{})
	m.must(err)
	if web.Status.AvailableReplicas != 3 {
		m.t.Errorf("%d of 3 replicas are available: %+v", web.Status.AvailableReplicas, web.Status)
	}
	m.must(deployments.Delete(m.ctx, "web", metav1.DeleteOptions{}))
	m.settle()
	if pods := m.pods(); len(pods) > 0 {
		m.t.Errorf("%d pods are left", len(pods))
	}
}

func jobEnds(m *machine) {
	jobs := m.kube.BatchV1().Jobs(m.namespace)
	_, err := jobs.Create(m.ctx, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "pi"}, Spec: batchv1.JobSpec{
		TTLSecondsAfterFinished: ptr.To[int32](600), Template: jobTemplate(),
	}}, metav1.CreateOptions{})
	m.must(err)
	completed := func() *metav1.Time {
		job, err := jobs.Get(m.ctx, "pi", metav1.GetOptions{})
		m.must(err)
		return job.Status.CompletionTime
	}
	m.advance(29 * time.Second)
	if at := completed(); at != nil {
		m.t.Errorf("it has completed at %s, a second too early", at)
	}
	m.advance(2 * time.Second)
	if completed() == nil {
		m.t.Error("it has not completed after its time")
	}
	m.advance(9 * time.Minute)
	completed()
	m.advance(time.Minute)
	if _, err := jobs.Get(m.ctx, "pi", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		m.t.Errorf("after its TTL: %v, want that it is gone", err)
	}
}

// jobTemplate is of pods that run for half a minute.
func jobTemplate() corev1.PodTemplateSpec {
	template := podTemplate(map[string]string{"simulated.orrery.dev/run-for": "30s"})
	template.Spec.RestartPolicy = corev1.RestartPolicyNever
	return template
}

func cronRuns(m *machine) {
	_, err := m.kube.BatchV1().CronJobs(m.namespace).Create(m.ctx, &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Name: "minutely"},
		Spec: batchv1.CronJobSpec{
			Schedule: "* * * * *", SuccessfulJobsHistoryLimit: ptr.To[int32](10),
			JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: jobTemplate()}},
		},
	}, metav1.CreateOptions{})
	m.must(err)
	m.settle()
	jobs := func() int {
		list, err := m.kube.BatchV1().Jobs(m.namespace).List(m.ctx, metav1.ListOptions{})
		m.must(err)
		return len(list.Items)
	}
	before := jobs()
	if due := fmt.Sprint(m.te.Due()); !strings.Contains(due, m.namespace+"/minutely") {
		m.t.Errorf("what is due does not name it: %s", due)
	}
	m.advance(3 * time.Minute)
	if got := jobs() - before; got != 3 {
		m.t.Errorf("it has run %d times in three minutes", got)
	}
	m.must(m.kube.BatchV1().CronJobs(m.namespace).Delete(m.ctx, "minutely", metav1.DeleteOptions{}))
}

func namespaceGoes(m *machine) {
	_, err := m.kube.AppsV1().Deployments(m.namespace).Create(m.ctx, deployment(2), metav1.CreateOptions{})
	m.must(err)
	m.settle()
	m.must(m.kube.CoreV1().Namespaces().Delete(m.ctx, m.namespace, metav1.DeleteOptions{}))
	m.advance(time.Minute) // pods get their grace
	if _, err := m.kube.CoreV1().Namespaces().Get(m.ctx, m.namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		m.t.Errorf("got %v, want that it is gone", err)
	}
}

func names(pods []corev1.Pod) string {
	var all []string
	for _, pod := range pods {
		all = append(all, pod.Name+" "+string(pod.UID)+" "+string(pod.Status.Phase))
	}
	return strings.Join(all, ", ")
}

func actsAs(m *machine) {
	_, err := typed(m.t, m.te.As("tycho", "astronomers")).CoreV1().ConfigMaps(m.namespace).List(m.ctx, metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `"tycho"`) {
		m.t.Errorf("got %v, want a refusal that names the user", err)
	}
}

func nodeDies(m *machine) {
	_, err := m.kube.AppsV1().Deployments(m.namespace).Create(m.ctx, deployment(2), metav1.CreateOptions{})
	m.must(err)
	m.settle()
	revive, err := m.te.KillNode("node-0")
	m.must(err)
	m.advance(2 * time.Minute)
	node, err := m.kube.CoreV1().Nodes().Get(m.ctx, "node-0", metav1.GetOptions{})
	m.must(err)
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status != corev1.ConditionUnknown {
			m.t.Errorf("the node that died is Ready: %s", c.Status)
		}
	}
	m.advance(6 * time.Minute)
	alive := 0
	for _, pod := range m.pods() {
		if pod.Spec.NodeName == "node-1" && pod.DeletionTimestamp == nil {
			alive++
		}
	}
	if alive != 2 {
		m.t.Errorf("%d of 2 pods run on the node that lives", alive)
	}
	revive()
	m.advance(time.Minute)
	if pods := m.pods(); len(pods) != 2 {
		m.t.Errorf("after the node came back there are %s; want that those that were to go have gone", names(pods))
	}
}

func TestSettleSaysWhatIsAtWork(t *testing.T) {
	hold := make(chan struct{})
	te := &envtest.Environment{Components: []envtest.Component{{Name: "asker", Run: func(ctx context.Context, config *rest.Config) error {
		<-hold
		<-ctx.Done()
		return nil
	}}}}
	defer close(hold)
	start(t, te)
	end := te.Activity().Begin("a pass of mine")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, errors.New("no rest"))
	defer cancel()
	err := te.Settle(ctx)
	var busy *activity.BusyError
	if !errors.As(err, &busy) || len(busy.Busy) != 1 || busy.Busy[0] != "a pass of mine" {
		t.Errorf("got %v, want an error with what is at work", err)
	}
	end()
	if err := te.Settle(t.Context()); err != nil {
		t.Error(err)
	}
	if err := te.Advance(t.Context(), time.Second); err == nil || !strings.Contains(err.Error(), "set Clock") {
		t.Errorf("without a clock of its own: %v", err)
	}
}

func TestWhatNeedsAServerSaysSo(t *testing.T) {
	te := &envtest.Environment{}
	for what, do := range map[string]func() error{
		"Settle":   func() error { return te.Settle(t.Context()) },
		"KillNode": func() error { _, err := te.KillNode("node-0"); return err },
	} {
		if err := do(); err == nil {
			t.Errorf("%s works where nothing was started", what)
		}
	}
}
