package scheduler

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// eventKinds are the kinds besides Pod and Node whose events a plugin may register for.
var eventKinds = map[fwk.EventResource]schema.GroupVersionResource{
	fwk.PersistentVolume:      corev1.SchemeGroupVersion.WithResource("persistentvolumes"),
	fwk.PersistentVolumeClaim: corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"),
	fwk.StorageClass:          storagev1.SchemeGroupVersion.WithResource("storageclasses"),
	fwk.CSINode:               storagev1.SchemeGroupVersion.WithResource("csinodes"),
	fwk.CSIDriver:             storagev1.SchemeGroupVersion.WithResource("csidrivers"),
	fwk.CSIStorageCapacity:    storagev1.SchemeGroupVersion.WithResource("csistoragecapacities"),
	fwk.VolumeAttachment:      storagev1.SchemeGroupVersion.WithResource("volumeattachments"),
	fwk.ResourceClaim:         resourcev1.SchemeGroupVersion.WithResource("resourceclaims"),
	fwk.ResourceSlice:         resourcev1.SchemeGroupVersion.WithResource("resourceslices"),
	fwk.DeviceClass:           resourcev1.SchemeGroupVersion.WithResource("deviceclasses"),
	fwk.PodGroup:              schedulingv1beta1.SchemeGroupVersion.WithResource("podgroups"),
}

// handleRegisteredEvents tells the queue of the kinds besides Pod and Node that plugins register events of.
func (s *Scheduler) handleRegisteredEvents(hints map[string][]framework.Hint) error {
	handled := map[fwk.EventResource]bool{
		fwk.Pod: true, fwk.AssignedPod: true, fwk.UnscheduledPod: true, fwk.TargetPod: true, fwk.Node: true, fwk.PodGroup: true, fwk.WildCard: true,
	}
	for profile, all := range hints {
		for _, hint := range all {
			kind := hint.Event.Resource
			if handled[kind] {
				continue
			}
			if err := s.handleEventsOf(kind); err != nil {
				return fmt.Errorf("building profile %q: plugin %q asks for events of %s: %w", profile, hint.Plugin, kind, err)
			}
			handled[kind] = true
		}
	}
	return nil
}

// handleEventsOf tells the queue of one kind.
func (s *Scheduler) handleEventsOf(kind fwk.EventResource) error {
	handler := s.registeredEventHandler(kind)
	if known, err := s.dra.Listen(kind, handler); known || err != nil {
		return err
	}
	resource, known := eventKinds[kind]
	if !known {
		return framework.ErrUnsupported
	}
	informer, err := s.clients.Informers.ForResource(resource)
	if err != nil {
		return err
	}
	_, err = informer.Informer().AddEventHandler(handler)
	return err
}

func (s *Scheduler) registeredEventHandler(kind fwk.EventResource) toolscache.ResourceEventHandler {
	event := func(action fwk.ActionType) fwk.ClusterEvent {
		return fwk.ClusterEvent{Resource: kind, ActionType: action}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.queue.Move(event(fwk.Add), nil, object, nil) },
		UpdateFunc: func(old, new any) { s.queue.Move(event(fwk.Update), old, new, nil) },
		DeleteFunc: func(object any) { s.queue.Move(event(fwk.Delete), last(object), nil, nil) },
	}
}
