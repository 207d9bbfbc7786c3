package volumedetach

import (
	"context"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=nodes/status,verbs=patch
// +kubebuilder:rbac:groups=storage.k8s.io,resources=volumeattachments,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups=storage.k8s.io,resources=csidrivers,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods;persistentvolumeclaims;persistentvolumes,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for what a node has, one node at a time.
type Controller struct{}

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.NewGroup("persistentvolume-detach-controller", Controller{}, append(attachable.Indexed(),
		loop.RecordsAs("attachdetach-controller"),
		podclaims.Indexed(),
		onnode.Indexed(),
		loop.Watches(ofAttachment),
		loop.Watches(itself, loop.Update(matters)),
		loop.Watches(ofPod, attachable.PodMatters),
		loop.Watches(ofClaim, attachable.ClaimMatters),
		loop.Watches(ofPersistentVolume, attachable.PersistentVolumeMatters),
		loop.Watches(ofDriver),
	)...)
}

// matters reports that a node says otherwise than before what it has, what it has in use, or how it is.
func matters(was, is *ocorev1.Node) bool {
	return was.UID != is.UID || attachable.Managed(was) != attachable.Managed(is) ||
		nodestatus.Ready(was) != nodestatus.Ready(is) || outOfService(was) != outOfService(is) ||
		!slices.Equal(was.Status.VolumesInUse, is.Status.VolumesInUse) ||
		!equality.Semantic.DeepEqual(was.Status.VolumesAttached, is.Status.VolumesAttached)
}

func key(node string) client.ObjectKey { return client.ObjectKey{Name: node} }

func itself(_ context.Context, _ client.Reader, node *ocorev1.Node) ([]client.ObjectKey, error) {
	return []client.ObjectKey{key(node.Name)}, nil
}

func ofAttachment(_ context.Context, _ client.Reader, attachment *ostoragev1.VolumeAttachment) ([]client.ObjectKey, error) {
	return []client.ObjectKey{key(attachment.Spec.NodeName)}, nil
}

func ofPod(_ context.Context, _ client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	if pod.Spec.NodeName == "" {
		return nil, nil
	}
	return []client.ObjectKey{key(pod.Spec.NodeName)}, nil
}

func ofClaim(ctx context.Context, read client.Reader, claim *ocorev1.PersistentVolumeClaim) ([]client.ObjectKey, error) {
	return naming(ctx, read, client.ObjectKeyFromObject(claim))
}

// ofPersistentVolume names the nodes that a volume is attached to, and those of the pods that have its claim.
func ofPersistentVolume(ctx context.Context, read client.Reader, pv *ocorev1.PersistentVolume) ([]client.ObjectKey, error) {
	volume, found := attachable.OfPersistentVolume(pv)
	if !found {
		return nil, nil
	}
	attachments, err := attachable.OfVolume(ctx, read, volume.ID, []ocorev1.PersistentVolume{*pv})
	if err != nil {
		return nil, err
	}
	var keys []client.ObjectKey
	for i := range attachments {
		keys = append(keys, key(attachments[i].Spec.NodeName))
	}
	if pv.Spec.ClaimRef == nil {
		return keys, nil
	}
	of, err := naming(ctx, read, client.ObjectKey{Namespace: pv.Spec.ClaimRef.Namespace, Name: pv.Spec.ClaimRef.Name})
	return append(keys, of...), err
}

// naming are the nodes of the pods that name a claim.
func naming(ctx context.Context, read client.Reader, claim client.ObjectKey) ([]client.ObjectKey, error) {
	pods, err := podclaims.Naming(ctx, read, claim)
	if err != nil {
		return nil, err
	}
	return nodesOf(pods), nil
}

func nodesOf(pods []ocorev1.Pod) []client.ObjectKey {
	var keys []client.ObjectKey
	for i := range pods {
		if node := pods[i].Spec.NodeName; node != "" {
			keys = append(keys, key(node))
		}
	}
	return keys
}

func ofDriver(ctx context.Context, read client.Reader, driver *ostoragev1.CSIDriver) ([]client.ObjectKey, error) {
	pods, err := attachable.InlineOfDriver(ctx, read, driver.Name)
	if err != nil {
		return nil, err
	}
	pvs, err := attachable.OfDriver(ctx, read, driver.Name)
	if err != nil {
		return nil, err
	}
	keys := nodesOf(pods)
	for i := range pvs {
		of, err := ofPersistentVolume(ctx, read, &pvs[i])
		if err != nil {
			return nil, err
		}
		keys = append(keys, of...)
	}
	return keys, nil
}
