package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

// workload is what users ask of the controllers.
type workload struct {
	name  string
	about string
	// run makes the steps, one after another, with a manager that is at rest when it begins.
	run func(ctx context.Context, g *stage) error
}

var workloads = []workload{
	{"deployment", "a Deployment of 10,000 pods is created, rolled and scaled to zero", oneDeployment},
	{"deployments", "2,000 Deployments of 5 pods each are created, rolled and deleted", manyDeployments},
	{"statefulset", "a StatefulSet of 1,000 pods, one after another, is created, and then another all at once", statefulSets},
	{"job", "a Job of 10,000 completions, 500 at a time", oneJob},
	{"cronjobs", "1,000 CronJobs are due in one minute", cronJobs},
	{"namespace", "a namespace with 20,000 objects is deleted", oneNamespace},
	{"autoscalers", "1,000 HorizontalPodAutoscalers, whose targets are at first idle, then busy", autoscalers},
	{"quota", "10,000 objects are created and deleted under a quota", underQuota},
	{"restart", "the manager is started again, with 50,000 objects", restart},
}

// work is the namespace of what is measured.
const work = "work"

// The label of the pods of one object, and the one that a roll changes.
const (
	appLabel     = "app"
	versionLabel = "version"
)

func (g *stage) createNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := g.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	return nil
}

// beginWork makes the namespace of what is measured, and waits until the manager has made what it makes in every namespace.
func (g *stage) beginWork(ctx context.Context) error {
	if err := g.createNamespace(ctx, work); err != nil {
		return err
	}
	return g.rest(ctx)
}

// podsOf is a template of pods like those of an ordinary workload.
func podsOf(app string) corev1.PodTemplateSpec {
	amounts := corev1.ResourceList{corev1.ResourceCPU: *quantity("100m"), corev1.ResourceMemory: *quantity("128Mi")}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{appLabel: app, versionLabel: "1"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "web", Image: "registry.orrery.dev/web:1",
			Env:       []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}, {Name: "PORT", Value: "8080"}},
			Ports:     []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
			Resources: corev1.ResourceRequirements{Requests: amounts, Limits: amounts},
		}}},
	}
}

func (g *stage) createDeployment(ctx context.Context, namespace, name string, replicas int) error {
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(int32(replicas)),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{appLabel: name}},
			Template: podsOf(name),
		},
	}
	if _, err := g.client.AppsV1().Deployments(namespace).Create(ctx, deployment, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating Deployment %s: %w", name, err)
	}
	return nil
}

// changed says that the spec of an object is not what its controller has seen.
func changed(o metav1.Object, observed int64) bool { return observed < o.GetGeneration() }

// allAvailable says whether there are so many Deployments in a namespace, each with so many pods, all new and available.
func (g *stage) allAvailable(namespace string, deployments, replicas int) (string, bool) {
	all, _ := g.apps.Deployments().Lister().Deployments(namespace).List(labels.Everything()) // a lister of a cache has no errors
	done, available := 0, 0
	for _, d := range all {
		s := d.Status
		available += int(s.AvailableReplicas)
		if want := int32(replicas); !changed(d, s.ObservedGeneration) && *d.Spec.Replicas == want && s.Replicas == want &&
			s.UpdatedReplicas == want && s.AvailableReplicas == want {
			done++
		}
	}
	return fmt.Sprintf("%d of %d Deployments done, %d pods available", done, deployments, available), done == deployments
}

// podsAre says whether there are so many pods in a namespace, each as it is to be.
func (g *stage) podsAre(namespace string, n int, is func(*corev1.Pod) bool) (string, bool) {
	pods, _ := g.pods.Lister().Pods(namespace).List(labels.Everything()) // a lister of a cache has no errors
	good := 0
	for _, pod := range pods {
		if is == nil || is(pod) {
			good++
		}
	}
	return fmt.Sprintf("%d pods, %d of them as they are to be, of %d", len(pods), good, n), len(pods) == n && good == n
}

// running says whether a pod is of a version, runs, and is not being deleted.
func running(version string) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool {
		return pod.Labels[versionLabel] == version && pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil
	}
}

// expect is an error with what is seen, if that is not what is to be.
func expect(seen string, ok bool) error {
	if !ok {
		return fmt.Errorf("there are %s", seen)
	}
	return nil
}
