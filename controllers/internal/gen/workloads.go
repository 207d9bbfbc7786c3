package gen

import (
	"math"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Namespace is where everything is that this package builds.
const Namespace = "default"

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: Namespace, UID: types.UID(name), Generation: 1}
}

func selects(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

// template is a template of pods with the label app, with all that the API server sets.
func template(app string) corev1.PodTemplateSpec {
	grace := int64(corev1.DefaultTerminationGracePeriodSeconds)
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Name:                     app,
				Image:                    app + ":1",
				ImagePullPolicy:          corev1.PullIfNotPresent,
				TerminationMessagePath:   corev1.TerminationMessagePathDefault,
				TerminationMessagePolicy: corev1.TerminationMessageReadFile,
			}},
			RestartPolicy:                 corev1.RestartPolicyAlways,
			DNSPolicy:                     corev1.DNSClusterFirst,
			SchedulerName:                 corev1.DefaultSchedulerName,
			SecurityContext:               &corev1.PodSecurityContext{},
			TerminationGracePeriodSeconds: &grace,
		},
	}
}

// Deployment builds a rolling Deployment of one replica, with a surge and unavailability of 25%, ten old revisions and a
// deadline of ten minutes. Its UID is its name.
func Deployment(name string, changes ...func(*oappsv1.Deployment)) *oappsv1.Deployment {
	quarter := intstr.FromString("25%")
	one, history, deadline := int32(1), int32(10), int32(600)
	d := &oappsv1.Deployment{
		ObjectMeta: meta(name),
		Spec: appsv1.DeploymentSpec{
			Replicas: &one,
			Selector: selects(name),
			Template: template(name),
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &quarter, MaxUnavailable: &quarter},
			},
			RevisionHistoryLimit:    &history,
			ProgressDeadlineSeconds: &deadline,
		},
	}
	for _, change := range changes {
		change(d)
	}
	return d
}

// Replicas sets a Deployment's size.
func Replicas(n int32) func(*oappsv1.Deployment) {
	return func(d *oappsv1.Deployment) { d.Spec.Replicas = &n }
}

// Image sets the image of a Deployment's only container.
func Image(image string) func(*oappsv1.Deployment) {
	return func(d *oappsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = image }
}

// Surge sets maxSurge, a number or a percentage.
func Surge(value string) func(*oappsv1.Deployment) {
	return func(d *oappsv1.Deployment) {
		parsed := intstr.Parse(value)
		d.Spec.Strategy.RollingUpdate.MaxSurge = &parsed
	}
}

// Unavailable sets maxUnavailable, a number or a percentage.
func Unavailable(value string) func(*oappsv1.Deployment) {
	return func(d *oappsv1.Deployment) {
		parsed := intstr.Parse(value)
		d.Spec.Strategy.RollingUpdate.MaxUnavailable = &parsed
	}
}

// Recreate sets the strategy Recreate.
func Recreate(d *oappsv1.Deployment) {
	d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
}

// Paused pauses a Deployment.
func Paused(d *oappsv1.Deployment) { d.Spec.Paused = true }

// History sets how many old revisions are kept.
func History(n int32) func(*oappsv1.Deployment) {
	return func(d *oappsv1.Deployment) { d.Spec.RevisionHistoryLimit = &n }
}

// Deadline sets the progress deadline.
func Deadline(seconds int32) func(*oappsv1.Deployment) {
	return func(d *oappsv1.Deployment) { d.Spec.ProgressDeadlineSeconds = &seconds }
}

// NoDeadline lets a rollout take for ever.
func NoDeadline(d *oappsv1.Deployment) { Deadline(math.MaxInt32)(d) }

// ReplicaSet builds a ReplicaSet of its own, of n replicas. Its UID is its name.
func ReplicaSet(name string, n int32, changes ...func(*oappsv1.ReplicaSet)) *oappsv1.ReplicaSet {
	rs := &oappsv1.ReplicaSet{
		ObjectMeta: meta(name),
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &n,
			Selector: selects(name),
			Template: template(name),
		},
	}
	for _, change := range changes {
		change(rs)
	}
	return rs
}
