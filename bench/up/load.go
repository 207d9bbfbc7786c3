package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// webImage is an image that every instance has.
	webImage = "registry.orrery.dev/web:1"
	// many is the name of the Deployment, and of what its pods are for.
	many = "many"
)

func (p *plane) untilFirstPod(ctx context.Context) (time.Duration, error) {
	pods := p.client.CoreV1().Pods(metav1.NamespaceDefault)
	created := false
	return p.until(ctx, p.started, "a Running pod", func(ctx context.Context) (bool, error) {
		if !created {
			_, err := pods.Create(ctx, &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: "first"},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{web()}},
			}, metav1.CreateOptions{})
			created = err == nil
			return false, nil // its service account may be on its way
		}
		pod, err := pods.Get(ctx, "first", metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning, nil
	})
}

// comeAndGo makes a Deployment, scales it down and up again until so many pods have come and gone, and deletes it. It says how
// long the first ones took to be Ready.
func (p *plane) comeAndGo(ctx context.Context, replicas, pods int) (first time.Duration, err error) {
	deployments := p.client.AppsV1().Deployments(metav1.NamespaceDefault)
	began := time.Now()
	if _, err := deployments.Create(ctx, deployment(replicas), metav1.CreateOptions{}); err != nil {
		return 0, fmt.Errorf("creating a Deployment: %w", err)
	}
	if first, err = p.untilReplicas(ctx, began, replicas); err != nil {
		return 0, err
	}
	for gone := replicas; ; gone += replicas {
		if err := p.scale(ctx, 0); err != nil {
			return 0, err
		}
		if gone >= pods {
			return first, deployments.Delete(ctx, many, metav1.DeleteOptions{})
		}
		if err := p.scale(ctx, replicas); err != nil {
			return 0, err
		}
	}
}

// scale changes the number of replicas, and waits until it is reached.
func (p *plane) scale(ctx context.Context, replicas int) error {
	_, err := p.client.AppsV1().Deployments(metav1.NamespaceDefault).UpdateScale(ctx, many, &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: many, Namespace: metav1.NamespaceDefault},
		Spec:       autoscalingv1.ScaleSpec{Replicas: int32(replicas)},
	}, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("scaling to %d: %w", replicas, err)
	}
	_, err = p.untilReplicas(ctx, time.Now(), replicas)
	return err
}

// untilReplicas waits until so many pods are Ready, and no other is left.
func (p *plane) untilReplicas(ctx context.Context, since time.Time, replicas int) (time.Duration, error) {
	return p.until(ctx, since, fmt.Sprintf("%d pods Ready and no other", replicas), func(ctx context.Context) (bool, error) {
		d, err := p.client.AppsV1().Deployments(metav1.NamespaceDefault).Get(ctx, many, metav1.GetOptions{})
		if err != nil || int(d.Status.ReadyReplicas) != replicas {
			return false, nil //nolint:nilerr // the next look may succeed
		}
		if replicas > 0 {
			return true, nil
		}
		left, err := p.client.CoreV1().Pods(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{LabelSelector: "app=" + many, Limit: 1})
		return err == nil && len(left.Items) == 0, nil
	})
}

func deployment(replicas int) *appsv1.Deployment {
	labels := map[string]string{"app": many}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: many},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(replicas)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{web()}, TerminationGracePeriodSeconds: new(int64(1))},
			},
		},
	}
}

func web() corev1.Container { return corev1.Container{Name: "web", Image: webImage} }
