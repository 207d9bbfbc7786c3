package volumebinding

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-helpers/storage/volume"
)

// byClass is the index of volumes by the name of their class.
const byClass = "volumebinding.storageClass"

// assumeCaches is all volumes and claims, with what has been assumed for pods and is not written yet.
type assumeCaches struct {
	volumes *assumeCache[*corev1.PersistentVolume]
	claims  *assumeCache[*corev1.PersistentVolumeClaim]
	// changed wakes everybody who waits whenever the API server shows a volume or a claim.
	changed broadcaster
}

func newAssumeCaches(volumes, claims cache.SharedIndexInformer) (*assumeCaches, error) {
	err := volumes.AddIndexers(cache.Indexers{byClass: func(object any) ([]string, error) {
		if typed, ok := object.(*corev1.PersistentVolume); ok {
			return []string{volume.GetPersistentVolumeClass(typed)}, nil
		}
		return nil, nil
	}})
	if err != nil && volumes.GetIndexer().GetIndexers()[byClass] == nil {
		return nil, fmt.Errorf("indexing volumes by class: %w", err)
	}
	l := &assumeCaches{
		volumes: newAssumeCache[*corev1.PersistentVolume](volumes.GetIndexer(), "persistentvolumes"),
		claims:  newAssumeCache[*corev1.PersistentVolumeClaim](claims.GetIndexer(), "persistentvolumeclaims"),
	}
	if _, err := volumes.AddEventHandler(l.handler(l.volumes.shown)); err != nil {
		return nil, fmt.Errorf("watching volumes: %w", err)
	}
	if _, err := claims.AddEventHandler(l.handler(l.claims.shown)); err != nil {
		return nil, fmt.Errorf("watching claims: %w", err)
	}
	return l, nil
}

func (l *assumeCaches) handler(shown func(key string)) cache.ResourceEventHandler {
	tell := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			shown(key)
		}
		l.changed.broadcast()
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    tell,
		UpdateFunc: func(_, new any) { tell(new) },
		DeleteFunc: tell,
	}
}

// volume returns a volume as assumed, and otherwise as shown. Nil: there is none of that name.
func (l *assumeCaches) volume(name string) *corev1.PersistentVolume {
	found, _ := l.volumes.get(name)
	return found
}

// claim returns a claim as assumed, and otherwise as shown. Nil: there is none of that name.
func (l *assumeCaches) claim(namespace, name string) *corev1.PersistentVolumeClaim {
	found, _ := l.claims.get(namespace + "/" + name)
	return found
}
