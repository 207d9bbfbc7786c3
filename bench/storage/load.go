package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/kubectl/pkg/util/podutils"
)

const (
	// webImage is an image that every instance has.
	webImage = "registry.orrery.dev/web:1"
	// patience bounds each wait, and look is how often it is looked where nothing is measured.
	patience = 5 * time.Minute
	look     = 100 * time.Millisecond
)

// measure measures pods without claims and with, in turn.
func (p *plane) measure(ctx context.Context, s settings) (plain, claimed figures, err error) {
	var ones [2][]time.Duration
	for round := -1; round < s.rounds; round++ { // the one before the first warms up
		for i, claims := range []bool{false, true} {
			_, last, err := p.ready(ctx, 1, claims)
			if err != nil {
				return plain, claimed, err
			}
			if round >= 0 {
				ones[i] = append(ones[i], last)
			}
		}
	}
	for i, f := range []*figures{&plain, &claimed} {
		f.one = median(ones[i])
		if f.first, f.last, err = p.ready(ctx, s.many, i == 1); err != nil {
			return plain, claimed, err
		}
	}
	return plain, claimed, nil
}

// ready creates so many pods at once, with claims or without, and says when the first and the last of them were Ready. Afterwards nothing
// of them is left.
func (p *plane) ready(ctx context.Context, many int, claims bool) (first, last time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pods := p.CoreV1().Pods(metav1.NamespaceDefault)
	watch, err := pods.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, 0, fmt.Errorf("watching pods: %w", err)
	}
	defer watch.Stop()
	began := time.Now()
	if err := p.create(ctx, many, claims); err != nil {
		return 0, 0, err
	}
	are := map[string]bool{}
	for event := range watch.ResultChan() {
		pod, is := event.Object.(*corev1.Pod)
		if !is || are[pod.Name] || !podutils.IsPodReady(pod) {
			continue
		}
		if are[pod.Name] = true; len(are) == 1 {
			first = time.Since(began)
		}
		if len(are) == many {
			last = time.Since(began)
			return first, last, p.clear(ctx)
		}
	}
	return 0, 0, fmt.Errorf("waiting for %d pods: %d were Ready: %w", many, len(are), ctx.Err())
}

// create creates pods side by side, each after its claim if it has one.
func (p *plane) create(ctx context.Context, many int, claims bool) error {
	creating, ctx := errgroup.WithContext(ctx)
	creating.SetLimit(8)
	for i := range many {
		creating.Go(func() error {
			pod := web(fmt.Sprint("web-", i))
			if claims {
				if _, err := p.CoreV1().PersistentVolumeClaims(metav1.NamespaceDefault).Create(ctx, claimFor(pod), metav1.CreateOptions{}); err != nil {
					return fmt.Errorf("creating a claim: %w", err)
				}
			}
			if _, err := p.CoreV1().Pods(metav1.NamespaceDefault).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("creating a pod: %w", err)
			}
			return nil
		})
	}
	return creating.Wait()
}

// claimFor gives a pod a volume by a claim, which is returned.
func claimFor(pod *corev1.Pod) *corev1.PersistentVolumeClaim {
	pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: pod.Name},
	}}}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		},
	}
}

func web(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{TerminationGracePeriodSeconds: new(int64(1)), Containers: []corev1.Container{{Name: "web", Image: webImage}}},
	}
}

// clear deletes all pods, claims and volumes, and waits until they are gone.
func (p *plane) clear(ctx context.Context) error {
	pods, claims := p.CoreV1().Pods(metav1.NamespaceDefault), p.CoreV1().PersistentVolumeClaims(metav1.NamespaceDefault)
	var all metav1.ListOptions
	if err := errors.Join(pods.DeleteCollection(ctx, metav1.DeleteOptions{}, all), claims.DeleteCollection(ctx, metav1.DeleteOptions{}, all)); err != nil {
		return fmt.Errorf("deleting what was made: %w", err)
	}
	err := wait.PollUntilContextCancel(ctx, look, true, func(ctx context.Context) (bool, error) {
		left, err := pods.List(ctx, all)
		volumes, err2 := p.CoreV1().PersistentVolumes().List(ctx, all)
		if err := errors.Join(err, err2); err != nil && !apierrors.IsTooManyRequests(err) {
			return false, err
		}
		return len(left.Items)+len(volumes.Items) == 0, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until what was made is gone: %w", err)
	}
	return nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
