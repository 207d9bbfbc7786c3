package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// invalid is an object that no API server lets in today: written by an earlier one, or past it.
type invalid struct {
	resource string // as etcd has it
	object   client.Object
	says     string // what is told about it; empty where nothing can be
}

var (
	selectsWeb    = &metav1.LabelSelector{MatchLabels: web}
	selectsOthers = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "others"}}
	noSelector    = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Near"}}}
)

// kept is the label of what nobody may delete.
var kept = map[string]string{"kept": "yes"}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

// longLabels has a value that is longer than values may be.
func longLabels() corev1.PodTemplateSpec {
	t := template("web:1")
	t.Labels = map[string]string{"app": "web", "long": strings.Repeat("x", 64)}
	return t
}

func invalids() []invalid {
	jobOf := func(name string, change func(*batchv1.JobSpec)) *batchv1.Job {
		j := job(1, 1)
		j.Name, j.Spec.Selector, j.Spec.BackoffLimit, j.Spec.CompletionMode = name, selectsWeb, new(int32(6)), new(batchv1.NonIndexedCompletion)
		change(&j.Spec)
		return j
	}
	cronOf := func(name string, change func(*batchv1.CronJobSpec)) *batchv1.CronJob {
		cron := cronJob()
		cron.Name = name
		change(&cron.Spec)
		return cron
	}
	return []invalid{
		{"replicasets", &appsv1.ReplicaSet{ObjectMeta: named("negative"), Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(-1)), Selector: selectsWeb, Template: template("web:1")}}, ""},
		{"replicasets", &appsv1.ReplicaSet{ObjectMeta: named("mismatch"), Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(1)), Selector: selectsOthers, Template: template("web:1")}}, "Warning FailedCreate about ReplicaSet/mismatch"},
		{"replicasets", &appsv1.ReplicaSet{ObjectMeta: named("unselecting"), Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(1)), Selector: noSelector, Template: template("web:1")}}, "Warning InvalidSelector about ReplicaSet/unselecting"},
		{"replicasets", &appsv1.ReplicaSet{ObjectMeta: named("labels"), Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(1)), Selector: selectsWeb, Template: longLabels()}}, "Warning FailedCreate about ReplicaSet/labels"},
		{"deployments", &appsv1.Deployment{ObjectMeta: named("negative"), Spec: appsv1.DeploymentSpec{Replicas: new(int32(-2)), Selector: selectsWeb, Template: template("web:1")}}, ""},
		{"deployments", &appsv1.Deployment{ObjectMeta: named("mismatch"), Spec: appsv1.DeploymentSpec{Replicas: new(int32(1)), Selector: selectsOthers, Template: template("web:1")}}, "Warning ReplicaSetCreateError about Deployment/mismatch"},
		{"deployments", &appsv1.Deployment{ObjectMeta: named("surge"), Spec: appsv1.DeploymentSpec{Replicas: new(int32(1)), Selector: selectsWeb, Template: template("web:1"), Strategy: appsv1.DeploymentStrategy{
			Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: new(intstr.FromString("many")), MaxUnavailable: new(intstr.FromString("-5%"))}}}}, ""},
		{"statefulsets", &appsv1.StatefulSet{ObjectMeta: named("negative"), Spec: appsv1.StatefulSetSpec{Replicas: new(int32(-3)), Selector: selectsWeb, Template: template("web:1")}}, ""},
		{"statefulsets", &appsv1.StatefulSet{ObjectMeta: named("mismatch"), Spec: appsv1.StatefulSetSpec{Replicas: new(int32(1)), Selector: selectsOthers, Template: template("web:1")}}, "Warning FailedCreate about StatefulSet/mismatch"},
		{"daemonsets", &appsv1.DaemonSet{ObjectMeta: named("mismatch"), Spec: appsv1.DaemonSetSpec{Selector: selectsOthers, Template: template("web:1")}}, "Warning FailedCreate about DaemonSet/mismatch"},
		{"daemonsets", &appsv1.DaemonSet{ObjectMeta: named("labels"), Spec: appsv1.DaemonSetSpec{Selector: selectsWeb, Template: longLabels()}}, "Warning FailedCreate about DaemonSet/labels"},
		{"jobs", jobOf("negative", func(s *batchv1.JobSpec) { s.Completions, s.Parallelism = new(int32(-1)), new(int32(-1)) }), ""},
		{"jobs", jobOf("mismatch", func(s *batchv1.JobSpec) { s.Selector = selectsOthers }), "Warning FailedCreate about Job/mismatch"},
		{"jobs", jobOf("unselecting", func(s *batchv1.JobSpec) { s.ManualSelector, s.Selector = new(true), nil }), "Warning FailedCreate about Job/unselecting"},
		{"jobs", jobOf("mode", func(s *batchv1.JobSpec) { s.CompletionMode = new(batchv1.CompletionMode("Sometimes")) }), "UnknownCompletionMode about Job/mode"},
		{"cronjobs", cronOf("schedule", func(s *batchv1.CronJobSpec) { s.Schedule = "every now and then" }), "UnparseableSchedule about CronJob/schedule"},
		{"cronjobs", cronOf("zone", func(s *batchv1.CronJobSpec) { s.TimeZone = new("Nowhere/Land") }), "UnknownTimeZone about CronJob/zone"},
		{"cronjobs", cronOf("never", func(s *batchv1.CronJobSpec) { s.Schedule = "0 0 31 2 *" }), "InvalidSchedule about CronJob/never"},
		{"configmaps", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "ownerless", Labels: kept, OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}}}}, ""},
		{"configmaps", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kindless", Labels: kept, OwnerReferences: []metav1.OwnerReference{{APIVersion: "///", Kind: "", Name: "web", UID: "x"}}}}, ""},
		{"poddisruptionbudgets", &policyv1.PodDisruptionBudget{ObjectMeta: named("near"), Spec: policyv1.PodDisruptionBudgetSpec{Selector: noSelector, MinAvailable: new(intstr.FromString("some"))}}, "Warning InvalidSelector about PodDisruptionBudget/near"},
		{"horizontalpodautoscalers", &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: named("crossed"), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1/v2", Kind: "Deployment", Name: "web"}, MinReplicas: new(int32(5)), MaxReplicas: 1}}, "about HorizontalPodAutoscaler/crossed"},
		{"controllers", &corev1.ReplicationController{ObjectMeta: named("negative"), Spec: corev1.ReplicationControllerSpec{Replicas: new(int32(-1)), Selector: web, Template: new(template("web:1"))}}, ""},
		{"controllers", &corev1.ReplicationController{ObjectMeta: named("templateless"), Spec: corev1.ReplicationControllerSpec{Replicas: new(int32(1)), Selector: web}}, "Warning FailedCreate about ReplicationController/templateless"},
	}
}

var _ = Describe("Objects that came past validation", func() {
	It("are told of, and neither spin nor keep others from their work", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		all := invalids()
		for _, i := range all {
			s.put(ctx, i)
		}
		Eventually(ctx, s.silentAbout).WithArguments(ctx, all).Should(BeEmpty(), func() string { return s.told(ctx) })
		left, err := admin.CoreV1().ConfigMaps(s.name).List(ctx, metav1.ListOptions{LabelSelector: "kept"})
		Expect(err).NotTo(HaveOccurred())
		Expect(left.Items).To(HaveLen(2), "what names no owner that could be gone is kept")
		before, began := passes(), s.requests()
		Consistently(ctx, func() int { return s.requests() - began }).WithTimeout(4*time.Second).Should(BeNumerically("<", patient), func() string {
			return faults.String() + "\n" + s.told(ctx)
		})
		for loop, n := range passes() {
			Expect(n-before[loop]).To(BeNumerically("<", 60), loop)
		}
		AddReportEntry("events", s.told(ctx))
		doAll(ctx, spacesFor(ctx))
		Expect(admin.CoreV1().Namespaces().Delete(ctx, s.name, metav1.DeleteOptions{})).To(Succeed())
		gone(ctx, admin.CoreV1().Namespaces().Get, s.name)
	})
})

// silentAbout are those of some objects of which nothing has been told that should be.
func (s *space) silentAbout(ctx context.Context, all []invalid) (silent []string) {
	told := s.told(ctx)
	for _, i := range all {
		if !strings.Contains(told, i.says) {
			silent = append(silent, i.says)
		}
	}
	return silent
}

// told are the events of the namespace, a line each.
func (s *space) told(ctx context.Context) string {
	events, err := s.events(ctx)
	return strings.Join(events, "\n") + fmt.Sprint("\n", err)
}

// Whatever happened, no pass of any loop may have panicked.
var _ = AfterEach(func() {
	for loop, n := range counted("controller_runtime_reconcile_panics_total", "controller") {
		Expect(n).To(BeZero(), loop)
	}
})

// put writes an object into etcd.
func (s *space) put(ctx context.Context, i invalid) {
	GinkgoHelper()
	gvk, err := apiutil.GVKForObject(i.object, scheme.Scheme)
	Expect(err).NotTo(HaveOccurred())
	i.object.GetObjectKind().SetGroupVersionKind(gvk)
	i.object.SetNamespace(s.name)
	i.object.SetUID(uuid.NewUUID())
	i.object.SetGeneration(1)
	i.object.SetCreationTimestamp(metav1.Now())
	data, err := json.Marshal(i.object)
	Expect(err).NotTo(HaveOccurred())
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{env.ControlPlane.Etcd.URL.String()}})
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(etcd.Close()).To(Succeed()) }()
	_, err = etcd.Put(ctx, "/registry/"+i.resource+"/"+s.name+"/"+i.object.GetName(), string(data))
	Expect(err).NotTo(HaveOccurred())
}

// passes is how many each loop has made.
func passes() map[string]float64 { return counted("orrery_loop_passes_total", "loop") }

// counted is a metric of all that goes on here, summed up by one of its labels.
func counted(metric, by string) map[string]float64 {
	GinkgoHelper()
	families, err := metrics.Registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	sums := map[string]float64{}
	for _, family := range families {
		if family.GetName() != metric {
			continue
		}
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == by {
					sums[label.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sums
}
