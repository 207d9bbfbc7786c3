package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/orrery-dev/orrery/bench/internal/progress"
)

// sightings is when each of a number of pods was created, and when a watch first showed it on a node.
type sightings struct {
	namespace string
	mutex     sync.Mutex
	sent      []time.Time
	bound     []time.Time
	preempted time.Time // when a watch first showed that a pod is preempted; zero where that was not watched
	missing   int
	another   chan struct{} // has as many as were bound
	done      chan struct{} // closed when all are bound, or when the watch has ended
	err       error
}

// watchBound watches the pods of a namespace becoming bound. The server sends each once, at that moment.
func (g *stage) watchBound(ctx context.Context, namespace string, pods int) (*sightings, error) {
	s := &sightings{
		namespace: namespace, missing: pods, sent: make([]time.Time, pods), bound: make([]time.Time, pods),
		another: make(chan struct{}, pods), done: make(chan struct{}),
	}
	list, err := g.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("watching pods of namespace %s: %w", namespace, err)
	}
	go func() {
		defer close(s.done)
		s.err = s.follow(ctx, g.client.CoreV1().Pods(namespace), list.ResourceVersion)
	}()
	return s, nil
}

// watchPreempted watches the pods of a namespace until the first is preempted.
func (g *stage) watchPreempted(ctx context.Context, namespace string, s *sightings) error {
	pods := g.client.CoreV1().Pods(namespace)
	list, err := pods.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return fmt.Errorf("watching pods of namespace %s: %w", namespace, err)
	}
	watcher, err := pods.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		return fmt.Errorf("watching pods of namespace %s: %w", namespace, err)
	}
	go func() {
		defer watcher.Stop()
		for event := range watcher.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok && isPreempted(pod) {
				s.mutex.Lock()
				defer s.mutex.Unlock()
				s.preempted = time.Now()
				return
			}
		}
	}()
	return nil
}

func isPreempted(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
		return condition.Type == corev1.DisruptionTarget
	})
}

// follow watches until all pods are bound. The server ends the watch of a client that is slow to read, which on busy
// cores this one can be; then it goes on from where it was.
func (s *sightings) follow(ctx context.Context, pods typedcorev1.PodInterface, version string) error {
	for ctx.Err() == nil {
		watcher, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName!=", ResourceVersion: version})
		if err != nil {
			return fmt.Errorf("watching pods of namespace %s: %w", s.namespace, err)
		}
		for event := range watcher.ResultChan() {
			pod, ok := event.Object.(*corev1.Pod)
			if !ok {
				return fmt.Errorf("watching pods of namespace %s: %w", s.namespace, apierrors.FromObject(event.Object))
			}
			version = pod.ResourceVersion
			if event.Type == watch.Added && s.saw(pod.Name, time.Now()) == 0 {
				watcher.Stop()
				return nil
			}
		}
	}
	return ctx.Err()
}

// saw notes that a pod is bound, and returns how many are not yet. Pods that come and go have no number.
func (s *sightings) saw(name string, when time.Time) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	number, numbered := strings.CutPrefix(name, "pod-")
	if i, err := strconv.Atoi(number); numbered && err == nil && i < len(s.bound) && s.bound[i].IsZero() {
		s.bound[i] = when
		s.missing--
		s.another <- struct{}{}
	}
	return s.missing
}

func (s *sightings) created(i int, when time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.sent[i] = when
}

func (s *sightings) left() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.missing
}

// wait returns when all pods are bound.
func (s *sightings) wait(ctx context.Context, patience time.Duration, say *progress.Progress) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-s.done:
			return s.err
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return fmt.Errorf("waiting for pods of namespace %s: %d of %d are not bound after %s", s.namespace, s.left(), len(s.bound), patience)
		case <-ticker.C:
			say.Detail(fmt.Sprintf("%d of %d bound", len(s.bound)-s.left(), len(s.bound)))
		}
	}
}

// waitForOne returns when one pod more is bound than at the last call.
func (s *sightings) waitForOne(ctx context.Context, patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.another:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("waiting for a pod of namespace %s: it is not bound after %s", s.namespace, patience)
	}
}
