package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
)

// endsLabel is on pods that succeed at once. All others run and are ready.
const endsLabel = "bench.orrery.dev/ends"

// kubelets are the scheduler and the kubelets of all nodes: a pod is bound, then runs and is ready, or has succeeded, by one update
// of its status, and is gone as soon as it is deleted.
type kubelets struct {
	*stage
	queue workqueue.TypedInterface[string]
}

// runPods lets pods live until ctx ends.
func (g *stage) runPods(ctx context.Context) error {
	k := &kubelets{g, workqueue.NewTyped[string]()}
	registered, err := g.pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { k.due(obj.(*corev1.Pod)) },
		UpdateFunc: func(_, obj any) { k.due(obj.(*corev1.Pod)) },
	})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	defer func() { _ = g.pods.Informer().RemoveEventHandler(registered) }() // it is stopped right after
	context.AfterFunc(ctx, k.queue.ShutDown)
	failures := make(chan error, sideBySide)
	var workers sync.WaitGroup
	for range sideBySide {
		workers.Go(func() {
			if err := k.work(ctx); err != nil && ctx.Err() == nil {
				failures <- err
			}
		})
	}
	workers.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}

func (k *kubelets) due(pod *corev1.Pod) {
	if next(pod) != nil {
		k.queue.Add(pod.Namespace + "/" + pod.Name)
	}
}

func (k *kubelets) work(ctx context.Context) error {
	for {
		key, ended := k.queue.Get()
		if ended {
			return nil
		}
		err := k.pass(ctx, key)
		k.queue.Done(key)
		if err != nil {
			k.queue.ShutDown()
			return err
		}
	}
}

// pass does what is next for a pod. That it has changed or is gone will be seen.
func (k *kubelets) pass(ctx context.Context, key string) error {
	obj, exists, err := k.pods.Informer().GetStore().GetByKey(key)
	if err != nil || !exists {
		return err
	}
	pod := obj.(*corev1.Pod)
	act := next(pod)
	if act == nil {
		return nil
	}
	if err := act(ctx, k.stage, pod); err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		return fmt.Errorf("letting pod %s live: %w", key, err)
	}
	return nil
}

// next is what is to happen to a pod; nil if that is nothing.
func next(pod *corev1.Pod) func(context.Context, *stage, *corev1.Pod) error {
	over := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	switch {
	case pod.DeletionTimestamp != nil && ptr.Deref(pod.DeletionGracePeriodSeconds, 0) > 0:
		return remove
	case pod.DeletionTimestamp != nil || over:
		return nil
	case pod.Spec.NodeName == "":
		return bind
	case pod.Status.Phase != corev1.PodRunning:
		return start
	default:
		return nil
	}
}

func bind(ctx context.Context, g *stage, pod *corev1.Pod) error {
	i := int(g.placed.Add(1)) % nodeCount
	binding := &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: nodeName(i)},
	}
	return g.client.CoreV1().Pods(pod.Namespace).Bind(ctx, binding, metav1.CreateOptions{})
}

func remove(ctx context.Context, g *stage, pod *corev1.Pod) error {
	now := metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0), Preconditions: metav1.NewUIDPreconditions(string(pod.UID))}
	return g.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, now)
}

func start(ctx context.Context, g *stage, pod *corev1.Pod) error {
	pod = pod.DeepCopy()
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	status := &pod.Status
	status.Phase, status.StartTime = corev1.PodRunning, &now
	status.PodIP = address(pod)
	status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	ready := corev1.ConditionTrue
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
	if pod.Labels[endsLabel] != "" {
		status.Phase, ready = corev1.PodSucceeded, corev1.ConditionFalse
		state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}}
	}
	for kind, truth := range map[corev1.PodConditionType]corev1.ConditionStatus{
		corev1.PodInitialized: corev1.ConditionTrue, corev1.ContainersReady: ready, corev1.PodReady: ready,
	} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: truth, LastTransitionTime: now})
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: c.Image, Ready: ready == corev1.ConditionTrue, State: state,
		})
	}
	_, err := g.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}
