package volumeattach

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups=storage.k8s.io,resources=volumeattachments,verbs=get;list;watch;create
// +kubebuilder:rbac:groups=storage.k8s.io,resources=csidrivers,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods;persistentvolumeclaims;persistentvolumes;nodes,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for volumes, one at a time.
type Controller struct{}

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.NewGroup("persistentvolume-attach-detach-controller", Controller{}, append(attachable.Indexed(),
		loop.RecordsAs("attachdetach-controller"),
		podclaims.Indexed(),
		onnode.Indexed(),
		loop.Watches(ofAttachment),
		loop.Watches(ofPod, attachable.PodMatters),
		loop.Watches(ofClaim, attachable.ClaimMatters),
		loop.Watches(ofPersistentVolume, attachable.PersistentVolumeMatters),
		loop.Watches(onNode, loop.Update(func(was, is *ocorev1.Node) bool { return attachable.Managed(was) != attachable.Managed(is) })),
		loop.Watches(ofDriver),
	)...)
}

func key(id attachable.ID) client.ObjectKey { return client.ObjectKey{Name: id.String()} }

func ofAttachment(ctx context.Context, read client.Reader, attachment *ostoragev1.VolumeAttachment) ([]client.ObjectKey, error) {
	volume, found, err := attachable.OfAttachment(ctx, read, attachment)
	if !found {
		return nil, err
	}
	return []client.ObjectKey{key(volume.ID)}, nil
}

func ofPod(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	if pod.Spec.NodeName == "" {
		return nil, nil
	}
	volumes, err := attachable.Known(ctx, read, pod)
	var keys []client.ObjectKey
	for _, volume := range volumes {
		keys = append(keys, key(volume.ID))
	}
	return keys, err
}

func ofClaim(ctx context.Context, read client.Reader, claim *ocorev1.PersistentVolumeClaim) ([]client.ObjectKey, error) {
	volume, found, err := attachable.OfClaim(ctx, read, claim)
	if !found {
		return nil, err
	}
	return []client.ObjectKey{key(volume.ID)}, nil
}

func ofPersistentVolume(_ context.Context, _ client.Reader, pv *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	volume, found := attachable.OfPersistentVolume(pv)
	if !found {
		return nil, nil
	}
	return []client.ObjectKey{key(volume.ID)}, nil
}

func onNode(ctx context.Context, read client.Reader, node *ocorev1.Node) ([]client.ObjectKey, error) {
	pods, err := onnode.Pods(ctx, read, node.Name)
	if err != nil {
		return nil, err
	}
	return ofPods(ctx, read, pods)
}

func ofPods(ctx context.Context, read client.Reader, pods []ocorev1.Pod) ([]client.ObjectKey, error) {
	var keys []client.ObjectKey
	for i := range pods {
		of, err := ofPod(ctx, read, &pods[i])
		if err != nil {
			return nil, err
		}
		keys = append(keys, of...)
	}
	return keys, nil
}

func ofDriver(ctx context.Context, read client.Reader, driver *ostoragev1.CSIDriver) ([]client.ObjectKey, error) {
	pvs, err := attachable.OfDriver(ctx, read, driver.Name)
	if err != nil {
		return nil, err
	}
	pods, err := attachable.InlineOfDriver(ctx, read, driver.Name)
	if err != nil {
		return nil, err
	}
	keys, err := ofPods(ctx, read, pods)
	for i := range pvs {
		of, _ := ofPersistentVolume(ctx, read, &pvs[i])
		keys = append(keys, of...)
	}
	return keys, err
}
