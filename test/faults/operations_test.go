package faults

import (
	"context"
	"fmt"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// operation is what a user does with an object of one kind, from its creation to its end, in a namespace of its own. It waits for each
// thing that comes of it.
type operation struct {
	kind string
	do   func(ctx context.Context, s *space)
}

// operations are those of all kinds that run pods, and of a namespace.
var operations = []operation{
	{"Deployment", deploymentsLife},
	{"StatefulSet", statefulSetsLife},
	{"DaemonSet", daemonSetsLife},
	{"Job", jobsLife},
	{"CronJob", cronJobsLife},
	{"Namespace", namespacesLife},
}

const mergePatch = types.MergePatchType

// patcher is the method Patch of a client-go client.
type patcher[T any] func(ctx context.Context, name string, how types.PatchType, data []byte, o metav1.PatchOptions, subresources ...string) (T, error)

var web = map[string]string{"app": "web"}

// template is of pods that run at once and end when they are told to.
func template(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: web},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(1)),
			Containers:                    []corev1.Container{{Name: "web", Image: image}},
		},
	}
}

const (
	scaled = `{"spec":{"replicas":5}}`
	rolled = `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"web:2"}]}}}}`
)

// byOwners deletes what owns something in the foreground: it goes last.
var byOwners = metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationForeground)}

func deployment(replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: web}, Template: template("web:1"),
	}}
}

func deploymentsLife(ctx context.Context, s *space) {
	c := admin.AppsV1().Deployments(s.name)
	_, err := c.Create(ctx, deployment(3), metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	s.arePods(ctx, 3, "web:1")
	patch(ctx, c.Patch, "web", scaled)
	s.arePods(ctx, 5, "web:1")
	patch(ctx, c.Patch, "web", rolled)
	s.arePods(ctx, 5, "web:2")
	Eventually(ctx, func(g Gomega) {
		d, err := c.Get(ctx, "web", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(d.Status.ObservedGeneration).To(Equal(d.Generation))
		g.Expect([]int32{d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.AvailableReplicas}).To(HaveEach(int32(5)))
	}).Should(Succeed())
	Expect(c.Delete(ctx, "web", byOwners)).To(Succeed())
	gone(ctx, c.Get, "web")
	Expect(s.pods(ctx)).To(BeEmpty())
}

func statefulSetsLife(ctx context.Context, s *space) {
	c := admin.AppsV1().StatefulSets(s.name)
	_, err := c.Create(ctx, &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.StatefulSetSpec{
		Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: web}, Template: template("web:1"),
	}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	s.arePods(ctx, 2, "web:1")
	patch(ctx, c.Patch, "web", `{"spec":{"replicas":3}}`)
	s.arePods(ctx, 3, "web:1")
	patch(ctx, c.Patch, "web", rolled)
	s.arePods(ctx, 3, "web:2")
	Eventually(ctx, func(g Gomega) {
		set, err := c.Get(ctx, "web", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect([]int32{set.Status.Replicas, set.Status.UpdatedReplicas, set.Status.AvailableReplicas}).To(HaveEach(int32(3)))
		g.Expect(set.Status.CurrentRevision).To(Equal(set.Status.UpdateRevision))
	}).Should(Succeed())
	Expect(c.Delete(ctx, "web", byOwners)).To(Succeed())
	gone(ctx, c.Get, "web")
	Expect(s.pods(ctx)).To(BeEmpty())
}

func daemonSetsLife(ctx context.Context, s *space) {
	c := admin.AppsV1().DaemonSets(s.name)
	_, err := c.Create(ctx, &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DaemonSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: web}, Template: template("web:1"),
	}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	s.arePods(ctx, 2, "web:1")
	patch(ctx, c.Patch, "web", rolled)
	s.arePods(ctx, 2, "web:2")
	Eventually(ctx, func(g Gomega) {
		set, err := c.Get(ctx, "web", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect([]int32{set.Status.DesiredNumberScheduled, set.Status.UpdatedNumberScheduled, set.Status.NumberAvailable}).To(HaveEach(int32(2)))
	}).Should(Succeed())
	Expect(c.Delete(ctx, "web", byOwners)).To(Succeed())
	gone(ctx, c.Get, "web")
	Expect(s.pods(ctx)).To(BeEmpty())
}

// job is a Job of pods that succeed soon.
func job(completions, parallelism int32) *batchv1.Job {
	t := template("web:1")
	t.Annotations = map[string]string{"simulated.orrery.dev/run-for": "100ms"}
	t.Spec.RestartPolicy = corev1.RestartPolicyNever
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: batchv1.JobSpec{Completions: &completions, Parallelism: &parallelism, Template: t}}
}

func jobsLife(ctx context.Context, s *space) {
	c := admin.BatchV1().Jobs(s.name)
	_, err := c.Create(ctx, job(6, 3), metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	Eventually(ctx, func(g Gomega) {
		j, err := c.Get(ctx, "web", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(jobIs(j)).To(Equal("Complete: 6 succeeded, 0 failed"), func() string { return s.are(ctx) })
	}).Should(Succeed())
	Expect(s.pods(ctx)).To(HaveLen(6), "each pod that was made is counted, and none was made too many")
	Expect(c.Delete(ctx, "web", byOwners)).To(Succeed())
	gone(ctx, c.Get, "web")
	Expect(s.pods(ctx)).To(BeEmpty())
}

// jobIs says how a Job ended, and how many pods it has counted.
func jobIs(j *batchv1.Job) string {
	end := "running"
	for _, c := range j.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			end = string(c.Type)
		}
	}
	return fmt.Sprintf("%s: %d succeeded, %d failed", end, j.Status.Succeeded, j.Status.Failed)
}

// cronJob is one of which a Job was due a minute before it was made, as the timekeepers see it.
func cronJob() *batchv1.CronJob {
	return &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: batchv1.CronJobSpec{
		Schedule: "* * * * *", ConcurrencyPolicy: batchv1.ForbidConcurrent,
		JobTemplate: batchv1.JobTemplateSpec{Spec: job(2, 2).Spec},
	}}
}

func cronJobsLife(ctx context.Context, s *space) {
	c, jobs := admin.BatchV1().CronJobs(s.name), admin.BatchV1().Jobs(s.name)
	_, err := c.Create(ctx, cronJob(), metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	s.isServed(ctx)
	patch(ctx, c.Patch, "web", `{"spec":{"suspend":true}}`)
	list, err := jobs.List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	times := map[string]bool{}
	for _, j := range list.Items {
		times[j.Annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]] = true
	}
	Expect(times).To(HaveLen(len(list.Items)), "no time is served twice")
	Expect(c.Delete(ctx, "web", byOwners)).To(Succeed())
	gone(ctx, c.Get, "web")
	// A Job that was made in the last moment, as the minute turned, may have had no pod yet that its end could have waited for.
	Eventually(ctx, s.pods).WithArguments(ctx).Should(BeEmpty())
}

// namespacesLife fills a namespace and deletes it.
func namespacesLife(ctx context.Context, s *space) {
	_, err := admin.AppsV1().Deployments(s.name).Create(ctx, deployment(3), metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	for i := range 5 {
		_, err := admin.CoreV1().ConfigMaps(s.name).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("kept-", i)}}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
	s.arePods(ctx, 3, "web:1")
	Expect(admin.CoreV1().Namespaces().Delete(ctx, s.name, metav1.DeleteOptions{})).To(Succeed())
	gone(ctx, admin.CoreV1().Namespaces().Get, s.name)
}

// doAll does the operations that have a namespace, side by side.
func doAll(ctx context.Context, spaces map[string]*space) {
	GinkgoHelper()
	var all sync.WaitGroup
	for _, o := range operations {
		if s := spaces[o.kind]; s != nil {
			all.Go(func() {
				defer GinkgoRecover()
				o.do(ctx, s)
			})
		}
	}
	all.Wait()
}

// spacesFor are new namespaces for all operations.
func spacesFor(ctx context.Context) map[string]*space {
	GinkgoHelper()
	spaces := map[string]*space{}
	for _, o := range operations {
		spaces[o.kind] = newSpace(ctx)
	}
	return spaces
}
