package pvreclaimer

import (
	"context"
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups="",resources=persistentvolumes,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=persistentvolumes/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for PersistentVolumes.
type Controller struct{}

var _ loop.Controller[*ocorev1.PersistentVolume, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("persistentvolume-reclaimer-controller", Controller{},
		loop.RecordsAs("persistentvolume-controller"),
		podclaims.Indexed(),
		volumes.Indexed(),
		loop.Watches(tiedTo),
		loop.Watches(reclaimedWith, loop.Update(ends)),
	)
}

// tiedTo names the volumes that have to do with a claim: the one that it names, and those that name it.
func tiedTo(ctx context.Context, read client.Reader, claim *ocorev1.PersistentVolumeClaim) ([]client.ObjectKey, error) {
	tied, err := volumes.Claiming(ctx, read, client.ObjectKeyFromObject(claim))
	keys := make([]client.ObjectKey, 0, len(tied)+1)
	for i := range tied {
		keys = append(keys, client.ObjectKeyFromObject(&tied[i]))
	}
	if claim.Spec.VolumeName != "" {
		keys = append(keys, client.ObjectKey{Name: claim.Spec.VolumeName})
	}
	return keys, err
}

// reclaimedWith names the volumes that a pod scrubs, or that are to be scrubbed when it has ended.
func reclaimedWith(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	var keys []client.ObjectKey
	if name, scrubs := strings.CutPrefix(pod.Name, recyclerPrefix); scrubs && pod.Namespace == recyclerNamespace {
		keys = append(keys, client.ObjectKey{Name: name})
	}
	for _, name := range podclaims.Names(pod) {
		used, err := volumes.Claiming(ctx, read, client.ObjectKey{Namespace: pod.Namespace, Name: name})
		if err != nil {
			return nil, err
		}
		for i := range used {
			if used[i].Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRecycle {
				keys = append(keys, client.ObjectKeyFromObject(&used[i]))
			}
		}
	}
	return keys, nil
}

// ends reports that a pod has ended, or has been replaced by another of its name.
func ends(was, is *ocorev1.Pod) bool {
	return replicas.Ended(was) != replicas.Ended(is) || was.UID != is.UID
}
