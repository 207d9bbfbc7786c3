package scheduler

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
)

// watch tells cache and queue of all pods and nodes, and returns once they know those that there are.
func (s *Scheduler) watch(ctx context.Context) error {
	watches, err := s.watches(ctx)
	if err != nil {
		return err
	}
	var synced []toolscache.InformerSynced
	for _, each := range watches {
		informer, err := s.options.Cluster.GetCache().GetInformer(ctx, each.object, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("watching %T: %w", each.object, err)
		}
		registration, err := informer.AddEventHandler(each.handler)
		if err != nil {
			return fmt.Errorf("watching %T: %w", each.object, err)
		}
		synced = append(synced, registration.HasSynced)
	}
	synced = append(synced, s.dra.HasSynced)
	s.clients.Informers.Start(s.pluginsCtx.Done())
	for kind, done := range s.clients.Informers.WaitForCacheSync(ctx.Done()) {
		if !done && ctx.Err() == nil {
			return fmt.Errorf("watching %s for a plugin: the first list did not arrive", kind)
		}
	}
	if !toolscache.WaitForCacheSync(ctx.Done(), synced...) && ctx.Err() == nil {
		return errors.New("watching pods and nodes: the first lists did not arrive")
	}
	return nil
}

type watched struct {
	object  client.Object
	handler toolscache.ResourceEventHandler
}

// watches lists what is watched. Nodes and groups come first: a pod's are better known before the pod.
func (s *Scheduler) watches(ctx context.Context) ([]watched, error) {
	watches := []watched{{&ocorev1.Node{}, s.nodeHandler()}}
	grouped, err := s.servesPodGroups(ctx)
	if err != nil {
		return nil, err
	}
	if grouped {
		s.schedulePodGroups()
		watches = append(watches, watched{&oschedulingv1beta1.PodGroup{}, s.podGroupHandler()})
	}
	return append(watches, watched{&ocorev1.Pod{}, s.podHandler()}), nil
}

func (s *Scheduler) podHandler() toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.podAdded(podOf(object)) },
		UpdateFunc: func(old, new any) { s.podUpdated(podOf(old), podOf(new)) },
		DeleteFunc: func(object any) { s.podDeleted(podOf(last(object))) },
	}
}

func (s *Scheduler) nodeHandler() toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.nodeAdded(nodeOf(object)) },
		UpdateFunc: func(old, new any) { s.nodeUpdated(nodeOf(old), nodeOf(new)) },
		DeleteFunc: func(object any) { s.nodeDeleted(nodeOf(last(object))) },
	}
}

// last returns a deleted object as it was last seen.
func last(object any) any {
	if unknown, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		return unknown.Obj
	}
	return object
}

// The informers are of exactly these types, so that anything else is a mistake of this package.
func podOf(object any) *corev1.Pod   { return (*corev1.Pod)(object.(*ocorev1.Pod)) }
func nodeOf(object any) *corev1.Node { return (*corev1.Node)(object.(*ocorev1.Node)) }
