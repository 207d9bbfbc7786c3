package attachable

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The fields by which things are found.
const (
	byVolume = "attachable.volume"
	byDriver = "attachable.driver"
	byNode   = "spec.nodeName"
)

// Indexed lets a loop find things by volumes, drivers and nodes.
func Indexed() []loop.Option {
	return []loop.Option{
		loop.Indexes(&ocorev1.PersistentVolume{}, byVolume, persistent(func(v Volume) string { return v.String() })),
		loop.Indexes(&ocorev1.PersistentVolume{}, byDriver, persistent(func(v Volume) string { return v.Driver })),
		loop.Indexes(&ocorev1.Pod{}, byVolume, inline(func(v Volume) string { return v.String() })),
		loop.Indexes(&ocorev1.Pod{}, byDriver, inline(func(v Volume) string { return v.Driver })),
		loop.Indexes(&ostoragev1.VolumeAttachment{}, byVolume, source),
		loop.Indexes(&ostoragev1.VolumeAttachment{}, byNode, node),
	}
}

func persistent(value func(Volume) string) client.IndexerFunc {
	return func(obj client.Object) []string {
		pv, ok := obj.(*ocorev1.PersistentVolume)
		if !ok {
			return nil
		}
		volume, found := OfPersistentVolume(pv)
		if !found {
			return nil
		}
		return []string{value(volume)}
	}
}

func inline(value func(Volume) string) client.IndexerFunc {
	return func(obj client.Object) []string {
		pod, ok := obj.(*ocorev1.Pod)
		if !ok {
			return nil
		}
		var values []string
		for i := range pod.Spec.Volumes {
			if volume, found := OfInline(&pod.Spec.Volumes[i], pod.Namespace); found {
				values = append(values, value(volume))
			}
		}
		return values
	}
}

// source is by which a VolumeAttachment alone tells its volume: a PersistentVolume, of which it knows no more than the name, or one
// that a pod has in itself.
func source(obj client.Object) []string {
	attachment, ok := obj.(*ostoragev1.VolumeAttachment)
	if !ok {
		return nil
	}
	switch source := attachment.Spec.Source; {
	case source.PersistentVolumeName != nil:
		return []string{sourcePersistent(*source.PersistentVolumeName)}
	case source.InlineVolumeSpec != nil && source.InlineVolumeSpec.CSI != nil:
		return []string{sourceInline(ID{source.InlineVolumeSpec.CSI.Driver, source.InlineVolumeSpec.CSI.VolumeHandle})}
	default:
		return nil
	}
}

func sourcePersistent(name string) string { return "persistent/" + name }
func sourceInline(id ID) string           { return "inline/" + id.String() }

func node(obj client.Object) []string {
	attachment, ok := obj.(*ostoragev1.VolumeAttachment)
	if !ok {
		return nil
	}
	return []string{attachment.Spec.NodeName}
}

// PersistentVolumes are those that a volume is: one, as a rule.
func PersistentVolumes(ctx context.Context, read client.Reader, id ID) ([]ocorev1.PersistentVolume, error) {
	return persistentVolumes(ctx, read, client.MatchingFields{byVolume: id.String()})
}

// OfDriver are the PersistentVolumes of a driver.
func OfDriver(ctx context.Context, read client.Reader, driver string) ([]ocorev1.PersistentVolume, error) {
	return persistentVolumes(ctx, read, client.MatchingFields{byDriver: driver})
}

func persistentVolumes(ctx context.Context, read client.Reader, which client.MatchingFields) ([]ocorev1.PersistentVolume, error) {
	var pvs ocorev1.PersistentVolumeList
	if err := read.List(ctx, &pvs, which, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing PersistentVolumes by %v: %w", which, err)
	}
	return pvs.Items, nil
}

// Inline are the pods that have a volume in themselves.
func Inline(ctx context.Context, read client.Reader, id ID) ([]ocorev1.Pod, error) {
	return pods(ctx, read, client.MatchingFields{byVolume: id.String()})
}

// InlineOfDriver are the pods that have volumes of a driver in themselves.
func InlineOfDriver(ctx context.Context, read client.Reader, driver string) ([]ocorev1.Pod, error) {
	return pods(ctx, read, client.MatchingFields{byDriver: driver})
}

func pods(ctx context.Context, read client.Reader, which client.MatchingFields) ([]ocorev1.Pod, error) {
	var pods ocorev1.PodList
	if err := read.List(ctx, &pods, which, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the pods that have volumes in themselves by %v: %w", which, err)
	}
	return pods.Items, nil
}
