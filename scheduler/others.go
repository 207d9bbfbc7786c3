package scheduler

import (
	"fmt"

	"k8s.io/client-go/informers"
	toolscache "k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// others are the kinds besides Pod and Node whose events a plugin may ask for.
var others = map[fwk.EventResource]func(informers.SharedInformerFactory) toolscache.SharedIndexInformer{
	fwk.PersistentVolume: func(f informers.SharedInformerFactory) toolscache.SharedIndexInformer {
		return f.Core().V1().PersistentVolumes().Informer()
	},
	fwk.PersistentVolumeClaim: func(f informers.SharedInformerFactory) toolscache.SharedIndexInformer {
		return f.Core().V1().PersistentVolumeClaims().Informer()
	},
	fwk.StorageClass: func(f informers.SharedInformerFactory) toolscache.SharedIndexInformer {
		return f.Storage().V1().StorageClasses().Informer()
	},
	fwk.CSINode: func(f informers.SharedInformerFactory) toolscache.SharedIndexInformer {
		return f.Storage().V1().CSINodes().Informer()
	},
	fwk.CSIDriver: func(f informers.SharedInformerFactory) toolscache.SharedIndexInformer {
		return f.Storage().V1().CSIDrivers().Informer()
	},
	fwk.CSIStorageCapacity: func(f informers.SharedInformerFactory) toolscache.SharedIndexInformer {
		return f.Storage().V1().CSIStorageCapacities().Informer()
	},
	fwk.VolumeAttachment: func(f informers.SharedInformerFactory) toolscache.SharedIndexInformer {
		return f.Storage().V1().VolumeAttachments().Informer()
	},
}

// listenForOthers tells the queue of the other kinds that plugins wait for. They are watched for plugins from outside, and
// under Kubernetes' own names.
func (s *Scheduler) listenForOthers(hints map[string][]framework.Hint) error {
	listening := map[fwk.EventResource]bool{
		fwk.Pod: true, fwk.AssignedPod: true, fwk.UnscheduledPod: true, fwk.TargetPod: true, fwk.Node: true, fwk.WildCard: true,
	}
	for profile, all := range hints {
		for _, hint := range all {
			kind := hint.Event.Resource
			if listening[kind] {
				continue
			}
			if known, err := s.dra.Listen(kind, s.otherHandler(kind)); err != nil {
				return fmt.Errorf("watching %s for plugin %q: %w", kind, hint.Plugin, err)
			} else if known {
				listening[kind] = true
				continue
			}
			informer, known := others[kind]
			if !known {
				return fmt.Errorf("building profile %q: plugin %q asks for events of %s: %w", profile, hint.Plugin, kind, framework.ErrUnsupported)
			}
			if _, err := informer(s.informers).AddEventHandler(s.otherHandler(kind)); err != nil {
				return fmt.Errorf("watching %s for plugin %q: %w", kind, hint.Plugin, err)
			}
			listening[kind] = true
		}
	}
	return nil
}

func (s *Scheduler) otherHandler(kind fwk.EventResource) toolscache.ResourceEventHandler {
	event := func(action fwk.ActionType) fwk.ClusterEvent {
		return fwk.ClusterEvent{Resource: kind, ActionType: action}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.queue.Move(event(fwk.Add), nil, object, nil) },
		UpdateFunc: func(old, new any) { s.queue.Move(event(fwk.Update), old, new, nil) },
		DeleteFunc: func(object any) { s.queue.Move(event(fwk.Delete), last(object), nil, nil) },
	}
}
